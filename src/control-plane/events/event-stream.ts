import type { ServerResponse } from "node:http";
import type { z } from "zod";
import type { LoggedEvent } from "../../api/session.ts";
import { toJson } from "../../shared/text/text.ts";
import type { EventGap, EventLog } from "../../supervisor/session/event-log.ts";
import type { ErrorView } from "../../supervisor/wire/error-json.ts";
import { eventJson } from "../../supervisor/wire/event-json.ts";
import type { sessionEvent } from "./event-schemas.ts";

export interface EventStreamOptions {
  /** The time between two comments, in milliseconds. */
  readonly eventCommentIntervalMs: number;
  /** The most bytes that may wait for the reader. */
  readonly eventBufferBytes: number;
  /** The part of an error that the reader may see. */
  readonly errors: ErrorView;
}

/** The reasons for which a stream is over. */
export type StreamEnd = "ended" | "moved" | "stopped" | "denied" | "left" | "slow";

export const eventStreamHeaders = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** The time after which a browser connects again, in milliseconds. */
const retryMs = 2_000;
/** The longest time that the last bytes of a stream may wait for the reader, in milliseconds. */
const endTimeoutMs = 10_000;

/**
 * Sends the events of a session after `afterId`, then those to come, until the session's last one, until the session goes on
 * in another process, until `stopped` or `denied` is aborted, or until the reader leaves. A reader that falls behind by more than the buffer is cut off: it
 * comes back with Last-Event-ID, and loses nothing that the session's ring still holds.
 */
export async function streamEvents(
  response: ServerResponse,
  events: EventLog,
  afterId: number,
  options: EventStreamOptions,
  { stopped, denied }: { readonly stopped: AbortSignal; readonly denied: AbortSignal },
): Promise<StreamEnd> {
  const over = Promise.withResolvers<StreamEnd>();
  response.on("close", () => over.resolve("left"));
  response.on("error", () => over.resolve("left"));
  // The reader may have left while its permission was judged.
  if (response.destroyed) over.resolve("left");
  // Events that are sent again are bounded, so they may wait on top of the buffer until they have been read once.
  let mayWait = options.eventBufferBytes;
  response.once("drain", () => {
    mayWait = options.eventBufferBytes;
  });
  const write = (text: string) => {
    if (response.destroyed || response.writableEnded) return;
    response.write(text);
    if (response.writableLength > mayWait) over.resolve("slow");
  };
  const send = (entry: LoggedEvent) => {
    write(eventText(entry, options.errors));
    if (entry.event.type === "end") over.resolve("ended");
  };
  const resend = (entry: LoggedEvent) => {
    mayWait += Buffer.byteLength(eventText(entry, options.errors));
    send(entry);
  };
  const replayed: LoggedEvent[] = [];
  let take = (entry: LoggedEvent): unknown => replayed.push(entry);
  const subscription = events.subscribe(
    afterId,
    (entry) => {
      try {
        take(entry);
      } catch (error) {
        // An error here would otherwise be thrown to the code that emitted the event.
        over.reject(error);
      }
    },
    // The reader comes back with Last-Event-ID, and is led to the process in which the session goes on.
    () => over.resolve("moved"),
  );
  const comments = setInterval(() => write(":\n\n"), options.eventCommentIntervalMs).unref();
  const stop = () => over.resolve("stopped");
  stopped.addEventListener("abort", stop, { once: true });
  const deny = () => {
    // An EventSource connects again, and learns from the status of that answer that it may not.
    write(": you may not follow this session any more\n\n");
    over.resolve("denied");
  };
  denied.addEventListener("abort", deny, { once: true });
  try {
    write(`retry: ${retryMs}\n\n`);
    take = send;
    const gaps = [...subscription.gaps];
    const gapsUpTo = (id: number) => {
      while (gaps[0] !== undefined && gaps[0].next <= id) write(gapText(gaps.shift()!));
    };
    for (const entry of replayed) {
      gapsUpTo(entry.id);
      resend(entry);
    }
    gapsUpTo(Number.POSITIVE_INFINITY);
    if (stopped.aborted) stop();
    const end = await over.promise;
    if (end === "slow") response.destroy();
    else endSoon(response);
    return end;
  } finally {
    subscription.unsubscribe();
    clearInterval(comments);
    stopped.removeEventListener("abort", stop);
    denied.removeEventListener("abort", deny);
  }
}

/** Returns a stream without events, whose reader comes back. `why`: the code of the reason. */
export const emptyStream = (why: string): string => `retry: ${retryMs}\n\n: ${why}\n\n`;

/** Ends the response. A reader that does not take even the end is cut off. */
function endSoon(response: ServerResponse): void {
  const cut = setTimeout(() => response.destroy(), endTimeoutMs).unref();
  response.on("close", () => clearTimeout(cut));
  response.end();
}

function eventText({ id, event }: LoggedEvent, errors: ErrorView): string {
  const data: z.output<typeof sessionEvent> = eventJson(event, errors);
  return `id: ${id}\nevent: ${event.type}\ndata: ${toJson(data)}\n\n`;
}

/** Returns the comment which says that events after `after` and before `next` are not kept any more. */
function gapText({ after, next }: EventGap): string {
  return `event: gap\ndata: ${JSON.stringify({ type: "gap", last_event_id: after, next_event_id: next })}\n\n`;
}
