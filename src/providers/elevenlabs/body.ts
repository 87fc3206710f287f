import type { IncomingMessage } from "node:http";
import { within } from "../../shared/deadline.ts";
import { decoded } from "../http/body.ts";
import { connectionError, ElevenlabsError } from "./error.ts";

/** The longest text of a response without sound, in bytes. */
const longestText = 65_536;
/** The longest line of a stream with timestamps, in bytes; it holds minutes of sound. */
const longestLine = 16_777_216;
/** The longest wait for the next piece of such a text, in milliseconds. */
const textTimeoutMs = 5_000;
const lineFeed = 0x0a;

/**
 * Yields the pieces of a body. Between two pieces at most `idleTimeoutMs` may pass, counted only while a
 * piece is waited for; the SDK's own time limit ends with the headers. It throws an {@link ElevenlabsError}
 * or a `DeadlineError`. Ending the iteration closes the connection, unless the body was read to its end.
 */
export async function* pieces(
  incoming: IncomingMessage,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array, void> {
  const body = decoded(incoming);
  const iterator: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next().catch((error) => Promise.reject(connectionError(error)));
      const what = "The next piece of ElevenLabs' answer";
      const { done, value } = await within(next, idleTimeoutMs, what, undefined, "idleTimeoutMs");
      if (done) return;
      yield value;
    }
  } finally {
    body.destroy();
    incoming.destroy();
  }
}

/**
 * Yields the same bytes, cut after line feeds only. The SDK decodes each piece by itself, which would damage
 * characters that were cut. It throws an {@link ElevenlabsError} for a line that is too long.
 */
export async function* wholeLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    const end = piece.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      yield Buffer.concat([...held, piece.subarray(0, end)]);
      held = [];
      length = 0;
    }
    if (end === piece.length) continue;
    held.push(piece.subarray(end));
    length += piece.length - end;
    if (length > longestLine) {
      throw new ElevenlabsError("ElevenLabs sent a line that is too long", {
        kind: "server",
        code: "bad_answer",
      });
    }
  }
  // The SDK drops a last line without a line feed.
  if (length > 0) yield Buffer.concat([...held, Uint8Array.of(lineFeed)]);
}

/**
 * Resolves with the body as text, cut where it is longer than an error message needs. It rejects as {@link pieces} throws.
 */
export async function textOf(incoming: IncomingMessage): Promise<string> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces(incoming, textTimeoutMs)) {
    read.push(piece);
    length += piece.length;
    if (length >= longestText) break;
  }
  return Buffer.concat(read).toString("utf8");
}
