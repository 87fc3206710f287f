/* Made by `npm run docs` from the tables of `src/options/`: change it there. */

import type { WebhookEvent } from "../shared/session/webhook-events.ts";

/** The options of a webhook, which is told of ended sessions, and of events of those that run. */
export interface WebhookOptions {
  /** The address that is told of each end, and of `events`, by a POST. */
  readonly url: string | URL;
  /**
   * `whsec_` and the base64 of 24 to 64 bytes. Several, separated by spaces, sign with each, so that it can
   * be changed while the server runs.
   */
  readonly secret: string;
  /**
   * The kinds of events that are sent to the address while a call runs, several in a message;
   * `partial_transcript`: words that are not whole yet. Events that cannot be delivered within 30 s are
   * dropped, and counted. The end has a message of its own.
   * @default []
   */
  readonly events?: readonly WebhookEvent[];
}
