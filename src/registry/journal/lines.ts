import { z } from "zod";
import type { SessionEnd, SessionRecord } from "../registry.ts";

const session = {
  sessionId: z.string(),
  callType: z.string(),
  callId: z.string(),
  createdBy: z.json(),
  startedAt: z.number(),
  nodeId: z.string(),
  epoch: z.number(),
};

/** The reason is any text, so that ends of a later version, which may know more reasons, are told too. */
const end = z.object({
  reason: z.string().transform((text) => text as SessionEnd["reason"]),
  endedAt: z.number(),
});

const journalLine = z.discriminatedUnion("type", [
  /** Says that a process began to use the folder. */
  z.object({ type: z.literal("opened"), epoch: z.number() }),
  z.object({ type: z.literal("claimed"), ...session }),
  /** Says that a claimed session was never started. */
  z.object({ type: z.literal("withdrawn"), sessionId: z.string() }),
  /**
   * Says how a session ended. `body` is the message; it is absent where there is none, or where it had been delivered
   * before the file was written anew.
   */
  z.object({ type: z.literal("ended"), ...session, end, body: z.string().optional() }),
  /** Says that the message of an end was delivered, or given up. */
  z.object({ type: z.literal("told"), sessionId: z.string() }),
]);

export type JournalLine = z.output<typeof journalLine>;

/** The length of a line in bytes, its line end included. */
export interface LineSize {
  readonly length: number;
  /** The number of bytes in front of the message's body; with {@link tail} they are the line without it. */
  readonly headLength: number;
}

export interface WrittenLine extends LineSize {
  /** The line itself, with its line end. */
  readonly bytes: Buffer;
}

const bodyKey = ',"body":';

/** The end of a line that was cut behind its head. */
export const tail = Buffer.from("}\n");
/** The first byte of a line that is void. It replaces the first byte of a line that was written before. */
export const voidMark = Buffer.from("#");

export const openedLine = (epoch: number): WrittenLine => plain({ type: "opened", epoch });
export const withdrawnLine = (sessionId: string): WrittenLine => plain({ type: "withdrawn", sessionId });
export const toldLine = (sessionId: string): WrittenLine => plain({ type: "told", sessionId });

export function claimedLine({ end: _, ...record }: SessionRecord): WrittenLine {
  return plain({ type: "claimed", ...record });
}

/** Returns the line of an end. The body comes last, so that the line can be cut in front of it once it was delivered. */
export function endedLine(record: SessionRecord, body: string | null): WrittenLine {
  const head = JSON.stringify({ type: "ended", ...record }).slice(0, -1);
  const rest = body === null ? "" : `${bodyKey}${JSON.stringify(body)}`;
  const bytes = Buffer.from(`${head}${rest}}\n`);
  return { bytes, length: bytes.length, headLength: Buffer.byteLength(head) };
}

/** Returns the head's length of a line of an end that has a message. Quotation marks within the message are escaped, so that the last key is the body's. */
export const headLengthOf = (line: Buffer): number => line.lastIndexOf(bodyKey);

function plain(line: JournalLine): WrittenLine {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  return { bytes, length: bytes.length, headLength: bytes.length - tail.length };
}

/** Reads a line. Returns null where the bytes are no line of a journal. */
export function parseLine(bytes: Buffer): JournalLine | null {
  try {
    const result = journalLine.safeParse(JSON.parse(bytes.toString()));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}
