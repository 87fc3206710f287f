import { randomUUID } from "node:crypto";
import type Koa from "koa";
import type { ServerLog } from "../../log/log.ts";
import { http } from "../../network/node-http.ts";
import { causeOf, errorLine, loggedError } from "../../supervisor/log-error.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { Hop } from "../peers/connection/mark.ts";
import { type ErrorAnswer, errorAnswer } from "./error-answer.ts";

/**
 * The facts of a request that has been answered, for its log line and its metrics. They never include its query and its
 * body.
 */
export interface RequestNotes {
  readonly id: string;
  /** The template of the path, such as `/sessions/{session_id}`. */
  route: string;
  sessionId: string | undefined;
  /** The code of the error that was the answer. */
  code: string | undefined;
  /** True where the answer is logged at `debug` only. */
  quiet: boolean;
  /** The passing-on of the request by a peer, as the peer describes it; null where it comes from a client. */
  hop: Hop | null;
  /** The hash that the body of what a peer passed on must have. */
  bodyHash: string | undefined;
  /** The node id of the peer that the request was passed on to, since its session is there. */
  proxiedTo: string | undefined;
  /** The node id of the peer that a start was passed on to. */
  forwardedTo: string | undefined;
}

const noted = new WeakMap<Koa.Context, RequestNotes>();

export function notesOf(ctx: Koa.Context): RequestNotes {
  const notes = noted.get(ctx) ?? {
    id: requestId(ctx),
    route: "unmatched",
    sessionId: undefined,
    code: undefined,
    quiet: false,
    hop: null,
    bodyHash: undefined,
    proxiedTo: undefined,
    forwardedTo: undefined,
  };
  noted.set(ctx, notes);
  return notes;
}

/** Runs a request to its answer: its id, its errors as JSON, its line in the log, and its place in the metrics. */
export class Answering {
  readonly #supervisor: Supervisor;
  readonly #log: ServerLog;

  constructor(supervisor: Supervisor, log: ServerLog) {
    this.#supervisor = supervisor;
    this.#log = log;
  }

  async run(ctx: Koa.Context, handle: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    const notes = notesOf(ctx);
    ctx.set("X-Request-Id", notes.id);
    ctx.set("Cache-Control", "no-store");
    ctx.set("X-Content-Type-Options", "nosniff");
    try {
      if (isDraining(this.#supervisor)) ctx.set("Connection", "close");
      await handle();
    } catch (error) {
      this.#fail(ctx, error);
    } finally {
      this.#note(ctx, notes, performance.now() - startedAt);
    }
  }

  #note(ctx: Koa.Context, notes: RequestNotes, ms: number): void {
    const { id, route, sessionId, code, quiet, hop, proxiedTo, forwardedTo } = notes;
    const { status } = ctx;
    const method = http.METHODS.includes(ctx.method) ? ctx.method : "OTHER";
    this.#supervisor.metrics.http(route, method, status, hop ? "peer" : "client", ms / 1_000);
    this.#log[quiet ? "debug" : "info"](
      {
        event: "request_answered",
        request_id: id,
        method,
        route,
        status,
        code,
        ms: Math.round(ms * 10) / 10,
        session_id: sessionId,
        proxied_to: proxiedTo,
        forwarded_to: forwardedTo,
        proxied_from: hop?.from,
      },
      "A request was answered",
    );
  }

  #fail(ctx: Koa.Context, error: unknown): void {
    const answer = errorAnswer(error);
    const notes = notesOf(ctx);
    notes.code = answer.body.code;
    const line = { request_id: notes.id, route: notes.route, session_id: notes.sessionId, code: notes.code };
    if (answer.status === 500)
      this.#log.error(
        { event: "request_failed", ...line, err: loggedError(causeOf(error)) },
        "A request failed",
      );
    else if (answer.status > 500)
      this.#log.warn(
        { event: "request_refused", ...line, cause: refusalCause(error) },
        "A request was refused",
      );
    if (ctx.headerSent) return;
    try {
      writeError(ctx, answer);
    } catch (unwritable) {
      this.#log.error(
        { event: "error_unsendable", ...line, err: unwritable },
        "The error has headers that cannot be sent",
      );
      writeError(ctx, errorAnswer(unwritable));
    }
  }
}

function writeError(ctx: Koa.Context, { status, headers, body }: ErrorAnswer): void {
  ctx.status = status;
  for (const [name, value] of Object.entries(headers)) ctx.set(name, value);
  ctx.body = body;
}

function isDraining({ state }: Supervisor): boolean {
  return state === "announced" || state === "draining" || state === "stopped";
}

/** Returns the cause of a refusal in one line, where it is known. A refusal is expected, so its code and this line suffice. */
function refusalCause(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? undefined : errorLine(cause);
}

function requestId(ctx: Koa.Context): string {
  const given = ctx.get("X-Request-Id");
  return /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomUUID();
}
