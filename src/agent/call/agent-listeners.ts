import { plainError } from "../../shared/errors.ts";
import type { AgentEvent } from "../../shared/session/agent-event.ts";
import type { Log } from "../log.ts";

/** A listener that an agent's own code has subscribed. */
export type AgentListener = (event: AgentEvent) => unknown;

/** Tells listeners of an event, each in a turn of its own. An error of one is logged. */
export function tellListeners(listeners: Iterable<AgentListener>, event: AgentEvent, log: Log): void {
  for (const listener of listeners) {
    queueMicrotask(async () => {
      try {
        await listener(event);
      } catch (error) {
        log.error(
          { event: "listener_failed", err: plainError(error) },
          "A listener of the agent's events threw an error",
        );
      }
    });
  }
}
