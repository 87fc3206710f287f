import type { JoinRequest } from "../../../agent/edge.ts";
import { errorKind } from "../../../agent/error-kind.ts";
import { plainError } from "../../../shared/errors.ts";
import type { CallConnectionEvent } from "./call-connection-event.ts";

type Reconnecting = Extract<CallConnectionEvent, { readonly type: "reconnecting" }>;

/** The reports that are not the connection's fault: an edge sends its participants elsewhere. */
const notErrors: ReadonlySet<string> = new Set(["go_away"]);

/** Tells what happens to a connection by itself: one log line each, and a count of what went wrong. */
export class ConnectionReport {
  readonly #log: JoinRequest["log"];
  readonly #measure: JoinRequest["measure"];
  #edge: string | null = null;
  #reconnecting: Reconnecting | null = null;

  constructor({ log, measure }: Pick<JoinRequest, "log" | "measure">) {
    this.#log = log;
    this.#measure = measure;
  }

  /** `joined`: whoever asked to join has been told that it worked. What comes before is a part of that. */
  take(event: CallConnectionEvent, joined: boolean): void {
    switch (event.type) {
      case "participant_joined":
      case "participant_left":
      case "heard":
        return;
      case "seated":
        this.#edge = event.place.edge;
        return;
      case "reconnecting":
        this.#reconnecting = event;
        if (!notErrors.has(event.why)) this.#count(event.why);
        return;
      case "reconnected":
        this.#reconnected(event);
        return;
      case "muted":
        this.#log?.info(this.#fields({ why: event.why }), event.why ? "the agent is muted" : "unmuted");
        return;
      case "warning":
        this.warn(event.error, lowerCase(event.what));
        return;
      case "ended":
        if (joined) this.#ended(event);
        return;
      default:
        event satisfies never;
    }
  }

  /** Reports that something went wrong that the call survives. */
  warn(error: unknown, what: string): void {
    this.#count(errorKind(error));
    this.#log?.warn(this.#fields({ err: plainError(error) }), what);
  }

  #reconnected({ strategy, tookMs }: Extract<CallConnectionEvent, { readonly type: "reconnected" }>): void {
    const { why, strategy: wish } = this.#reconnecting ?? { why: "unknown", strategy };
    this.#reconnecting = null;
    this.#log?.info(
      this.#fields({ why, strategy, ...(wish === strategy ? {} : { wish }), took_ms: Math.round(tookMs) }),
      "reconnected to the call",
    );
  }

  #ended({ reason, error }: Extract<CallConnectionEvent, { readonly type: "ended" }>): void {
    if (reason === "left") return;
    if (reason !== "lost") {
      this.#log?.info(this.#fields({ reason }), "the call is over for the agent");
      return;
    }
    this.#count(errorKind(error));
    const why = this.#reconnecting?.why;
    const fields = this.#fields({ ...(why === undefined ? {} : { why }), err: plainError(error) });
    this.#log?.error(fields, "the connection to the call is lost");
  }

  #count(error: string): void {
    this.#measure?.({ kind: "error", component: "edge", provider: "stream", error });
  }

  #fields(fields: object): object {
    return { provider: "stream", edge: this.#edge, ...fields };
  }
}

/** Returns a text as log lines begin. */
const lowerCase = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
