import type { JoinRequest } from "../../../agent/edge.ts";
import { errorKind } from "../../../agent/error-kind.ts";
import { plainError } from "../../../shared/errors.ts";
import type { CallConnectionEvent } from "./call-connection-event.ts";

type Reconnecting = Extract<CallConnectionEvent, { readonly type: "reconnecting" }>;

/** The reasons of reconnects that are not counted as errors: an SFU sends its participants to another one. */
const notErrors: ReadonlySet<string> = new Set(["go_away"]);

/** Reports the events of a connection: one log line each, and a count of the errors. */
export class ConnectionReport {
  readonly #log: JoinRequest["log"];
  readonly #measure: JoinRequest["measure"];
  #edge: string | null = null;
  #reconnecting: Reconnecting | null = null;

  constructor({ log, measure }: Pick<JoinRequest, "log" | "measure">) {
    this.#log = log;
    this.#measure = measure;
  }

  /**
   * Reports an event. `joined` says whether the join has resolved: an end before that is reported by its rejection.
   */
  report(event: CallConnectionEvent, joined: boolean): void {
    switch (event.type) {
      case "participant_joined":
      case "participant_left":
      case "media_connected":
        return;
      case "sfu_changed":
        this.#edge = event.address.edge;
        return;
      case "reconnecting":
        this.#reconnecting = event;
        if (!notErrors.has(event.reason)) this.#count(event.reason);
        return;
      case "reconnected":
        this.#reconnected(event);
        return;
      case "muted":
        this.#log?.info(
          this.#fields({ event: "call_muted", muted_by: event.by }),
          event.by ? "The agent is muted" : "The agent is unmuted",
        );
        return;
      case "warning":
        this.warn(event.error, event.message);
        return;
      case "ended":
        if (joined) this.#ended(event);
        return;
      default:
        event satisfies never;
    }
  }

  /** Logs and counts a failure that the call survives. */
  warn(error: unknown, message: string): void {
    this.#count(errorKind(error));
    this.#log?.warn(this.#fields({ event: "call_trouble", err: plainError(error) }), message);
  }

  #reconnected({ strategy, tookMs }: Extract<CallConnectionEvent, { readonly type: "reconnected" }>): void {
    const { reason, strategy: wanted } = this.#reconnecting ?? { reason: "unknown", strategy };
    this.#reconnecting = null;
    this.#log?.info(
      this.#fields({
        event: "call_reconnected",
        reason,
        strategy,
        ...(wanted === strategy ? {} : { wanted_strategy: wanted }),
        took_ms: Math.round(tookMs),
      }),
      "The connection to the call came back",
    );
  }

  #ended({ reason, error }: Extract<CallConnectionEvent, { readonly type: "ended" }>): void {
    if (reason === "left") return;
    if (reason !== "lost") {
      this.#log?.info(this.#fields({ event: "call_over", reason }), "The call is over for the agent");
      return;
    }
    this.#count(errorKind(error));
    const cause = this.#reconnecting?.reason;
    const fields = this.#fields({
      ...(cause === undefined ? {} : { reason: cause }),
      err: plainError(error),
    });
    this.#log?.error({ event: "call_lost", ...fields }, "The connection to the call is lost");
  }

  #count(error: string): void {
    this.#measure?.({ kind: "error", component: "edge", provider: "stream", error });
  }

  #fields(fields: object): object {
    return { provider: "stream", edge: this.#edge, ...fields };
  }
}
