import type { IncomingMessage } from "node:http";
import { within } from "../../shared/deadline.ts";
import { decoded } from "../decoded.ts";
import { connectionError, ElevenlabsError } from "./error.ts";

/** The longest text of an answer that is no sound, in bytes. */
const longestText = 65_536;
/** The longest line of a stream with timestamps, in bytes: minutes of sound. */
const longestLine = 16_777_216;
const textTimeoutMs = 5_000;
/** The longest wait for the next piece of a refusal's body, in milliseconds: its status tells most. */
const refusalTimeoutMs = 1_000;
const lineFeed = 0x0a;

/**
 * The body as it comes. Between two pieces at most `idleTimeoutMs` may pass, counted only while somebody waits for one: the
 * SDK's own time limit ends with the headers. Ending the iteration closes the connection, unless the body was read whole.
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
 * Yields the same bytes, cut after line feeds only: the SDK decodes each piece by itself, which breaks characters cut
 * in two.
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
      throw new ElevenlabsError("ElevenLabs sent a line that never ends", {
        kind: "server",
        code: "bad_answer",
      });
    }
  }
  // The SDK drops a last line that has no end.
  if (length > 0) yield Buffer.concat([...held, Uint8Array.of(lineFeed)]);
}

/** The body as text, cut where it is longer than an error message would be. */
export async function textOf(incoming: IncomingMessage): Promise<string> {
  const read: Uint8Array[] = [];
  await readInto(read, incoming, textTimeoutMs);
  return Buffer.concat(read).toString("utf8");
}

/** The body of a refusal, as far as it comes: where it breaks, stalls or cannot be decoded, its status tells enough. */
export async function refusalText(incoming: IncomingMessage): Promise<string> {
  const read: Uint8Array[] = [];
  await readInto(read, incoming, refusalTimeoutMs).catch(() => undefined);
  return Buffer.concat(read).toString("utf8");
}

async function readInto(read: Uint8Array[], incoming: IncomingMessage, idleTimeoutMs: number): Promise<void> {
  let length = 0;
  for await (const piece of pieces(incoming, idleTimeoutMs)) {
    read.push(piece);
    length += piece.length;
    if (length >= longestText) break;
  }
}
