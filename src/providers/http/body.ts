import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
// The namespace is imported, since a Node without one of the functions has to get as far as to report that it is too old.
import * as zlib from "node:zlib";

/** The largest part of a refusal's body that is read, in bytes, and the longest time for it, in milliseconds. */
const longestRefusal = 65_536;
const refusalTimeoutMs = 1_000;

/** A body that breaks off is decoded as far as it goes; the connection reports that it is incomplete. */
const lenient = { finishFlush: zlib.constants.Z_SYNC_FLUSH };

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: () => zlib.createGunzip(lenient),
  "x-gzip": () => zlib.createGunzip(lenient),
  deflate: () => zlib.createInflate(lenient),
  br: () => zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => zlib.createZstdDecompress({ finishFlush: zlib.constants.ZSTD_e_flush }),
};

/**
 * Returns the body of a response without its content encoding. Services and gateways compress responses also where that was not
 * asked for, and Node's client does not decode them. An unknown encoding is left as it is.
 */
export function decoded(incoming: IncomingMessage): Readable {
  const encodings = (incoming.headers["content-encoding"] ?? "").toLowerCase().split(",");
  let body: Readable = incoming;
  for (const encoding of encodings.reverse()) {
    const decoder = decoders[encoding.trim()];
    // An error of one stream becomes an error of the other, and is reported to the reader.
    if (decoder !== undefined) body = pipeline(body, decoder(), () => {});
  }
  return body;
}

/**
 * Resolves with the body of a response as text. It rejects with the error of the connection, and with a `RangeError` for a body that is
 * longer than `longest`, in bytes.
 */
export async function wholeText(incoming: IncomingMessage, longest: number): Promise<string> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const piece of decoded(incoming) as AsyncIterable<Uint8Array>) {
    read.push(piece);
    length += piece.length;
    // Leaving the loop closes the connection.
    if (length > longest) throw new RangeError(`The body is longer than ${longest} bytes`);
  }
  return Buffer.concat(read).toString("utf8");
}

/**
 * Resolves with the body of a refusal as text, as far as it arrives within a second. It never rejects: where the body breaks off,
 * stalls or cannot be decoded, the rest is left out, since the status tells most.
 */
export async function refusalText(incoming: IncomingMessage): Promise<string> {
  const read: Uint8Array[] = [];
  const deadline = setTimeout(() => incoming.destroy(), refusalTimeoutMs);
  let length = 0;
  try {
    for await (const piece of decoded(incoming) as AsyncIterable<Uint8Array>) {
      read.push(piece);
      length += piece.length;
      if (length >= longestRefusal) break;
    }
  } catch {
    // The part that was read is enough.
  } finally {
    clearTimeout(deadline);
    incoming.destroy();
  }
  return Buffer.concat(read).toString("utf8");
}
