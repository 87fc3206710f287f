import fc from "fast-check";
import {
  bodyBytes,
  contentEncodings,
  contentTypes,
  hardlyHttp,
  readHeaders,
  startBodies,
  targets,
} from "../test/fixtures/http/hostile.ts";

/** A request as it goes over the wire. */
export interface RawRequest {
  readonly bytes: Buffer;
  /** True for a whole request, which is to be answered. One that is not whole may wait for its rest. */
  readonly isWhole: boolean;
}

/** Stands in a generated request for the id of a session that lives. */
export const sessionMark = "-a-live-session-";

const methods = fc.constantFrom(
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
);
/** Each way of the interface, with a session that lives. */
const sessionTargets = fc.constantFrom(
  ...["", "/metrics", "/events", "/messages", "/join-token", "/close?token=x", "?wait=maybe"].map(
    (rest) => `/sessions/${sessionMark}${rest}`,
  ),
  `/calls/call/sessions/${sessionMark}`,
  `/calls/call/sessions/${sessionMark}/metrics`,
);
const serverTargets = fc.constantFrom(
  ...[
    "/sessions",
    "/calls/call/sessions",
    "/health",
    "/ready",
    "/serving",
    "/metrics",
    "/openapi.json",
    "/docs",
    "*",
  ],
);
/** Values that a decent client does not send. */
const anyValue = fc
  .string({ unit: "binary-ascii", maxLength: 60 })
  .map((text) => text.replaceAll(/[\r\n]/g, " "));
const oddHeaders = fc.dictionary(
  fc.oneof(
    fc.constantFrom("host", "transfer-encoding", "content-length", "connection", "upgrade", "expect", "te"),
    fc.stringMatching(/^[a-z-]{1,20}$/),
  ),
  fc.oneof(
    anyValue,
    fc.constantFrom("chunked", "0", "-1", "1e3", "close", "websocket", "100-continue", "localhost"),
  ),
  { maxKeys: 3 },
);

const whole = fc
  .record({
    method: methods,
    target: fc.oneof(sessionTargets, serverTargets, targets),
    headers: readHeaders,
    type: contentTypes,
    encoding: fc.option(contentEncodings),
    body: fc.option(
      fc.oneof(
        startBodies.map((text) => new TextEncoder().encode(text)),
        bodyBytes,
      ),
    ),
  })
  .map(({ method, target, headers, type, encoding, body }) => {
    const own = {
      ...headers,
      host: "localhost",
      connection: "close",
      ...(body === null ? {} : { "content-type": type, "content-length": String(body.length) }),
      ...(body === null || encoding === null ? {} : { "content-encoding": encoding }),
    };
    return { bytes: onTheWire(`${method} ${target}`, own, body), isWhole: true };
  });

const odd = fc
  .record({
    method: methods,
    target: fc.oneof(sessionTargets, serverTargets, targets, anyValue),
    headers: oddHeaders,
    body: fc.option(bodyBytes),
  })
  .map(({ method, target, headers, body }) => ({
    bytes: onTheWire(`${method} ${target}`, { host: "localhost", ...headers }, body),
    isWhole: false,
  }));

const noise = fc
  .oneof(
    hardlyHttp.map((text) => Buffer.from(text)),
    bodyBytes.map((bytes) => Buffer.from(bytes)),
  )
  .map((bytes) => ({ bytes, isWhole: false }));

/** Requests of all kinds: whole ones with hostile contents, ones that contradict themselves, and noise. */
export const rawRequests: fc.Arbitrary<RawRequest> = fc.oneof(
  { weight: 6, arbitrary: whole },
  { weight: 2, arbitrary: odd },
  { weight: 1, arbitrary: noise },
);

function onTheWire(line: string, headers: Readonly<Record<string, string>>, body: Uint8Array | null): Buffer {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${line} HTTP/1.1\r\n${fields.join("")}\r\n`, "latin1");
  return body === null ? head : Buffer.concat([head, body]);
}
