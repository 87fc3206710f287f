import { constants } from "node:os";
import type { ServerHandle, Shutdown } from "../../api/server-handle.ts";
import type { ServerLog } from "../../log/log.ts";
import { type EndSignal, takeOverSignals } from "../../process/early-signals.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { loggedError } from "../../supervisor/log-error.ts";
import { errorSentence } from "../commands/error-sentence.ts";
import type { Announcer } from "../terminal/announcer.ts";

/**
 * The time within which a second SIGINT counts as the same press of Ctrl-C, in milliseconds: it can come from the
 * terminal, and from npm.
 */
const echoWindowMs = 300;

/** The stage of the process. `draining`: calls may go on to their end. `closing`: they were asked to end. */
type Stage = "serving" | "draining" | "closing";

export interface UntilSignal {
  /** The server, which may still be about to listen. */
  readonly server: Promise<ServerHandle>;
  readonly announcer: Announcer;
  readonly log: ServerLog;
  /** Returns the time for which the first SIGTERM is announced, in milliseconds. It is called when the signal comes. */
  readonly announceMs: () => number;
}

/**
 * Resolves with the exit code when the server has shut down. The first SIGTERM drains: it announces, then refuses, and
 * waits for running calls. A second signal, or Ctrl-C as the first, asks them to close at once. One more ends the process
 * there and then. Rejects where the server cannot listen.
 */
export function untilSignal({ server, announcer, log, announceMs }: UntilSignal): Promise<number> {
  const exit = Promise.withResolvers<number>();
  server.catch(exit.reject);
  const hurry = new AbortController();
  let stage: Stage = "serving";
  let exitCode = 0;
  let interruptedAt = Number.NEGATIVE_INFINITY;

  const shutDown = async (cause: string, announceMs: number) => {
    try {
      const shutdown = await (await server).close({ announceMs, signal: hurry.signal });
      const { finished, closed, handedOver } = shutdown;
      announcer.say("ready", `Greenroom has stopped after ${cause}: ${tell(shutdown)}`, {
        event: "server_stopped",
        cause,
        finished,
        closed,
        handed_over: handedOver,
      });
      exit.resolve(exitCode);
    } catch (error) {
      log.fatal(
        { event: "server_stop_failed", err: loggedError(error) },
        "The server could not shut down cleanly",
      );
      exit.resolve(1);
    }
  };

  const onSignal = (signal: EndSignal) => {
    if (signal === "SIGINT") {
      const at = performance.now();
      const echo = at - interruptedAt < echoWindowMs;
      interruptedAt = at;
      if (echo) return;
    }
    const before = stage;
    if (before === "closing") {
      announcer.say("warn", `${signal} once more: the process ends at once, with all calls`, {
        event: "server_hurried",
        signal,
      });
      exit.resolve(128 + constants.signals[signal]);
      return;
    }
    stage = before === "draining" || signal === "SIGINT" ? "closing" : "draining";
    if (stage === "closing") hurry.abort();
    announcer.say("info", `${signal}: ${stage === "closing" ? "closing all calls" : "draining"}`, {
      event: stage === "closing" ? "server_closing" : "server_draining",
      signal,
    });
    if (before === "serving") void shutDown(signal, announceMs());
  };

  void server
    .then(({ ready }) => ready)
    .catch((error: unknown) => {
      // Where the server cannot listen, or was asked to end, that is handled elsewhere.
      if (stage !== "serving" || !GreenroomError.is(error) || error.code !== "REGISTRY_UNAVAILABLE") return;
      log.fatal(
        { event: "server_start_failed", err: loggedError(error) },
        `The server cannot start: ${errorSentence(error)}`,
      );
      exitCode = 1;
      stage = "draining";
      void shutDown("a failed start", 0);
    });

  process.on("SIGTERM", () => onSignal("SIGTERM"));
  process.on("SIGINT", () => onSignal("SIGINT"));
  for (const signal of takeOverSignals()) onSignal(signal);
  // The user's code did not handle a rejection: it affects its own request, and must not end all calls.
  process.on("unhandledRejection", (error) =>
    log.error(
      { event: "rejection_unhandled", err: loggedError(error) },
      "A promise was rejected, and nobody handled it",
    ),
  );
  process.on("uncaughtException", (error) => {
    log.fatal(
      { event: "exception_uncaught", err: loggedError(error) },
      "Nobody caught an exception: the server drains, since its state is unknown",
    );
    exitCode = 1;
    if (stage === "serving") void shutDown("an uncaught exception", 0);
    stage = stage === "serving" ? "draining" : stage;
  });
  return exit.promise;
}

function tell({ finished, closed, handedOver }: Shutdown): string {
  const parts = [
    { count: finished, one: "went on to its end", more: "went on to their end" },
    { count: handedOver, one: "goes on in another replica", more: "go on in other replicas" },
    { count: closed, one: "was closed", more: "were closed" },
  ].filter(({ count }) => count > 0);
  const texts = parts.map(({ count, one, more }, place) => {
    const calls = place > 0 ? `${count}` : count === 1 ? "1 call" : `${count} calls`;
    return `${calls} ${count === 1 ? one : more}`;
  });
  return texts.join(", ") || "no call was running";
}
