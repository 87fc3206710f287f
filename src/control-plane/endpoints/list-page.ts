import { InvalidRequest } from "../http/invalid-request.ts";

/** The length from which on a page ends, in characters: each session may carry 64 KiB of config. */
export const longestPage = 1_048_576;

/** The place of a session in a list, which is the same for the whole of its life, and in every replica. */
export interface ListPosition {
  /** The time at which the session started, in whole epoch milliseconds, as clients read it. */
  readonly startedAt: number;
  readonly id: string;
}

/** A session of a list. */
export interface Row extends ListPosition {
  readonly json: string;
}

/** A part of a list. */
export interface Page {
  readonly rows: readonly Row[];
  /** True where there are sessions after the last row. */
  readonly more: boolean;
}

export function positionOf(session: ListPosition): ListPosition {
  return { startedAt: Math.floor(session.startedAt), id: session.id };
}

/** A comparison of two places, as sorting wants it. */
type Comparison = (a: ListPosition, b: ListPosition) => number;

const oldestFirst: Comparison = (a, b) =>
  a.startedAt - b.startedAt || (a.id < b.id ? -1 : Number(a.id > b.id));

/** Returns the comparison with which these sessions come first. */
export function inOrder(order: "oldest" | "newest"): Comparison {
  return order === "oldest" ? oldestFirst : (a, b) => oldestFirst(b, a);
}

/** The rows of a page that are the first of a list. */
export class PageBuilder {
  readonly #rows: Row[] = [];
  readonly #limit: number;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a row. Returns false where the page was full before. */
  add(row: Row): boolean {
    const full = this.#rows.length > 0 && (this.#rows.length === this.#limit || this.#length > longestPage);
    if (full) return false;
    this.#rows.push(row);
    this.#length += row.json.length;
    return true;
  }

  page(more: boolean): Page {
    return { rows: this.#rows, more };
  }
}

/**
 * Returns one page of many, each from another replica. It ends where one of them ends that has more, since the rest of
 * that one is not known.
 */
export function mergedPage(pages: readonly Page[], limit: number, compare: Comparison): Page {
  const builder = new PageBuilder(limit);
  const parts = pages.map(({ rows, more }) => ({ rows, more, at: 0 }));
  for (;;) {
    let first: (typeof parts)[number] | null = null;
    for (const part of parts) {
      const row = part.rows[part.at];
      if (!row && part.more) return builder.page(true);
      const best = first?.rows[first.at];
      if (row && (!best || compare(row, best) < 0)) first = part;
    }
    const row = first?.rows[first.at];
    if (!first || !row) return builder.page(false);
    if (!builder.add(row)) return builder.page(true);
    first.at += 1;
  }
}

/** Returns the body of an answer. */
export function pageText({ rows, more }: Page): string {
  const last = rows.at(-1);
  const cursor = more && last ? writeCursor(last) : null;
  return `{"sessions":[${rows.map(({ json }) => json).join(",")}],"next_cursor":${JSON.stringify(cursor)}}`;
}

function writeCursor({ startedAt, id }: ListPosition): string {
  return Buffer.from(JSON.stringify([startedAt, id])).toString("base64url");
}

export function readCursor(cursor: string): ListPosition {
  try {
    const [startedAt, id] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    if (typeof startedAt === "number" && typeof id === "string") return { startedAt, id };
  } catch {
    // The error below reports it.
  }
  throw new InvalidRequest([
    { loc: ["query", "cursor"], msg: "This is not a next_cursor of an earlier page", type: "value_error" },
  ]);
}
