import { gzipSync } from "node:zlib";
import fc from "fast-check";

/** Bodies of a start: JSON of any shape, and text that is hardly JSON. */
export const startBodies: fc.Arbitrary<string> = fc.oneof(
  fc.json(),
  fc
    .record(
      { call_id: fc.jsonValue(), call_type: fc.jsonValue(), config: fc.jsonValue() },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
  fc.string({ unit: "binary" }).map((call_id) => JSON.stringify({ call_id })),
  fc.string({ unit: "grapheme" }),
);

export const contentTypes: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=ebcdic",
    "text/plain",
    "",
  ),
  fc.stringMatching(/^[ -~]{0,60}$/),
);

export const contentEncodings: fc.Arbitrary<string> = fc.constantFrom(
  "identity",
  "gzip",
  "deflate",
  "br",
  "zstd",
  "gzip, br",
  "x",
);

/** Bytes, packed ones, and packed ones that are damaged. */
export const bodyBytes: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((content) => new Uint8Array(content)),
  fc.uint8Array({ maxLength: 2_000 }).map((content) => new Uint8Array(gzipSync(content))),
  fc.tuple(fc.uint8Array({ minLength: 30, maxLength: 300 }), fc.nat(29)).map(([content, at]) => {
    const packed = new Uint8Array(gzipSync(content));
    packed[at] = 255 - (packed[at] ?? 0);
    return packed;
  }),
);

/** A few headers that the server reads, of any content. */
export const readHeaders: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(
    "authorization",
    "cookie",
    "x-api-key",
    "x-request-id",
    "idempotency-key",
    "last-event-id",
    "origin",
    "accept",
    "accept-encoding",
    "x-forwarded-for",
    "content-type",
    "if-none-match",
    "range",
    "access-control-request-method",
  ),
  fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,80}$/),
  { maxKeys: 5 },
);

const segment = fc.oneof(
  fc.string({ unit: "binary" }).map((raw) => encodeURIComponent(raw.toWellFormed())),
  fc.stringMatching(/^[!-~]{0,40}$/),
);

/** Paths and queries of any spelling, near those of the interface. */
export const targets: fc.Arbitrary<string> = fc
  .oneof(
    segment.map((part) => `/${part}`),
    segment.map((part) => `/sessions/${part}`),
    segment.map((part) => `/calls/${part}/sessions`),
    fc.tuple(segment, segment).map(([call, id]) => `/calls/${call}/sessions/${id}/metrics`),
    segment.map((part) => `/sessions?${part}`),
    fc
      .tuple(fc.constantFrom("limit", "cursor", "state", "call_id"), segment)
      .map(([key, part]) => `/sessions?${key}=${part}`),
    fc
      .tuple(fc.constantFrom("token", "wait", "last_event_id"), segment)
      .map(([key, part]) => `/sessions/x?${key}=${part}`),
  )
  .map((target) => target.replaceAll("#", "%23"));

/** Pieces of HTTP and of noise, in any order. */
export const hardlyHttp: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "GET ",
        "POST ",
        "/sessions",
        " HTTP/1.1\r\n",
        "Host: localhost\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "\r\n\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: websocket\r\nConnection: upgrade\r\n",
        "ffffffff\r\n",
        "{}",
        "Content-Type: application/json\r\n",
      ),
      fc.string({ unit: "binary", maxLength: 20 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(""));
