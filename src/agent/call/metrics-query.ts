import { within } from "../../shared/deadline.ts";
import type { FromThread } from "../../shared/protocol.ts";
import type { SessionMetricsSnapshot } from "../../shared/session/session-metric-fields.ts";

/** The longest wait for them, in milliseconds: the main thread may be busy. */
const waitMs = 5_000;

/** The metrics of the session so far, asked of the main thread, which counts them. */
export class MetricsQuery {
  readonly #post: (message: FromThread) => void;
  #asked: PromiseWithResolvers<SessionMetricsSnapshot> | null = null;

  constructor(post: (message: FromThread) => void) {
    this.#post = post;
  }

  ask(): Promise<SessionMetricsSnapshot> {
    if (this.#asked === null) {
      this.#asked = Promise.withResolvers();
      this.#post({ type: "metrics_wanted" });
    }
    return within(this.#asked.promise, waitMs, "What was measured");
  }

  take(metrics: SessionMetricsSnapshot): void {
    this.#asked?.resolve(metrics);
    this.#asked = null;
  }
}
