import { endKeptMs } from "../kept-ends.ts";
import type { EndMessage, SessionRecord } from "../registry.ts";
import type { Contents } from "./contents.ts";
import type { JournalFile } from "./journal-file.ts";
import { headLengthOf, type JournalLine, parseLine, tail, voidMark } from "./lines.ts";

export interface Restored {
  /** The greatest epoch that a process has had; 0 where there was none. */
  readonly epoch: number;
  /** The sessions that were live. */
  readonly live: readonly SessionRecord[];
  /** The sessions that ended within the last 10 minutes, the oldest first. */
  readonly ended: readonly SessionRecord[];
  /** The messages that are not delivered yet, the oldest first. */
  readonly untold: readonly Omit<EndMessage, "body">[];
  /** The number of lines that cannot be read, and the offset of the first, in bytes. */
  readonly broken: { readonly count: number; readonly firstAt: number };
}

/** Reads a journal from its beginning. `contents` is empty before, and knows afterwards what is where. */
export async function restore(file: JournalFile, contents: Contents, now: number): Promise<Restored> {
  const records = new Map<string, SessionRecord>();
  const recent = new Map<string, SessionRecord>();
  const broken = { count: 0, firstAt: 0 };
  let epoch = 0;
  for await (const { offset, bytes } of file.lines()) {
    if (bytes !== null && (bytes.length === 0 || bytes[0] === voidMark[0])) continue;
    const line = bytes && parseLine(bytes);
    if (!line) {
      if (broken.count === 0) broken.firstAt = offset;
      broken.count += 1;
      continue;
    }
    // The line end is not part of `bytes`.
    const length = bytes.length + 1;
    const plain = { length, headLength: length - tail.length };
    switch (line.type) {
      case "opened":
        epoch = Math.max(epoch, line.epoch);
        break;
      case "claimed":
        contents.claimed(line.sessionId, offset, plain);
        if (contents.get(line.sessionId)?.offset === offset) records.set(line.sessionId, recordOf(line));
        break;
      case "withdrawn":
        contents.withdrawn(line.sessionId, plain);
        break;
      case "ended": {
        const { endedAt } = line.end;
        const hasBody = line.body !== undefined;
        const size = hasBody ? { length, headLength: headLengthOf(bytes) } : plain;
        const isFirst = contents.ended(line.sessionId, offset, size, { endedAt, hasBody });
        if (isFirst && now - endedAt <= endKeptMs) recent.set(line.sessionId, recordOf(line));
        records.delete(line.sessionId);
        break;
      }
      case "told":
        contents.told(line.sessionId, plain);
        break;
      default:
        line satisfies never;
    }
    if ("epoch" in line) epoch = Math.max(epoch, line.epoch);
  }
  const kept = contents.kept(now);
  return {
    epoch,
    live: kept.flatMap(({ state, sessionId }) => (state === "live" ? (records.get(sessionId) ?? []) : [])),
    ended: kept.flatMap(({ sessionId }) => recent.get(sessionId) ?? []),
    untold: kept.flatMap(({ state, sessionId, endedAt }) =>
      state === "untold" ? { sessionId, since: endedAt } : [],
    ),
    broken,
  };
}

function recordOf(line: Extract<JournalLine, { type: "claimed" | "ended" }>): SessionRecord {
  const { sessionId, callType, callId, createdBy, startedAt, nodeId, epoch } = line;
  const record = { sessionId, callType, callId, createdBy, startedAt, nodeId, epoch };
  return { ...record, end: line.type === "ended" ? line.end : null };
}

/** Warns of lines that could not be read, where there are any. */
export function warnOfBroken(
  { broken: { count, firstAt } }: Restored,
  file: string,
  log: { warn(fields: object, text: string): void },
): void {
  if (count === 0) return;
  log.warn(
    { event: "journal_lines_unreadable", lines: count, first_at: firstAt, file },
    "Lines of the journal could not be read, and are left out",
  );
}
