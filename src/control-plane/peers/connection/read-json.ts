import type { IncomingMessage } from "node:http";
import { within } from "../../../shared/deadline.ts";
import type { JsonValue } from "../../../shared/protocol.ts";
import { PeerError } from "./peer-error.ts";

/** The longest answer of a peer that is read into memory, in bytes: a page of a list ends before. */
const longestAnswer = 8 * 1_048_576;
/** The longest time that the body of such an answer may take once its headers are there, in milliseconds. */
const bodyTimeoutMs = 5_000;

/** Resolves with the JSON of a peer's answer. Rejects with a {@link PeerError}. */
export async function readJson(answer: IncomingMessage): Promise<JsonValue> {
  try {
    return JSON.parse(await within(readText(answer), bodyTimeoutMs, "The body of a peer's answer"));
  } catch (error) {
    answer.destroy();
    throw new PeerError("The answer of a peer cannot be read", false, error);
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > longestAnswer) throw new RangeError(`It is longer than ${longestAnswer} bytes`);
  }
  return Buffer.concat(chunks).toString();
}
