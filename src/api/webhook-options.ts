/* Made by `npm run docs` from the tables of `src/options/`: change it there. */

/** The options of a webhook, which is told of ended sessions. */
export interface WebhookOptions {
  /** The address that is told of each end, by a POST. */
  readonly url: string | URL;
  /**
   * `whsec_` and the base64 of 24 to 64 bytes. Several, separated by spaces, sign with each, so that it can
   * be changed while the server runs.
   */
  readonly secret: string;
}
