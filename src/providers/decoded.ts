import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
// Not by name: an older Node, which lacks one of them, has to come as far as to say that it is too old.
import * as zlib from "node:zlib";

/** A body that was cut is read as far as it goes: what is missing is told by the connection. */
const lenient = { finishFlush: zlib.constants.Z_SYNC_FLUSH };

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: () => zlib.createGunzip(lenient),
  "x-gzip": () => zlib.createGunzip(lenient),
  deflate: () => zlib.createInflate(lenient),
  br: () => zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => zlib.createZstdDecompress({ finishFlush: zlib.constants.ZSTD_e_flush }),
};

/**
 * The body of an answer without its content encoding: services and the gateways before them compress answers, also where
 * nobody asked for it, which Node's client leaves as they are. An encoding that is not known is left too.
 */
export function decoded(incoming: IncomingMessage): Readable {
  const encodings = (incoming.headers["content-encoding"] ?? "").toLowerCase().split(",");
  let body: Readable = incoming;
  for (const encoding of encodings.reverse()) {
    const decoder = decoders[encoding.trim()];
    // An error of one is one of the other; it is told to whoever reads.
    if (decoder !== undefined) body = pipeline(body, decoder(), () => {});
  }
  return body;
}
