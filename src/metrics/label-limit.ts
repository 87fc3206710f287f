import { cutText } from "../shared/text/text.ts";

/** The value that takes the place of others once there are too many. */
export const otherLabel = "other";

/** The longest label value, in characters. */
const longestLabel = 64;

/**
 * Keeps the values of a label few: the first `most` distinct ones are kept, every further one becomes `other`. Names of
 * models and errors come from agents, perhaps from a caller's config, and the series of each value would be kept for
 * ever.
 */
export class LabelLimit {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most = 20) {
    this.#most = most;
  }

  /** Returns the value to use: the given one, cut to 64 characters, or `other`. */
  admit(value: unknown): string {
    const text = cutText(String(value), longestLabel);
    if (this.#known.has(text)) return text;
    if (this.#known.size >= this.#most) return otherLabel;
    this.#known.add(text);
    return text;
  }
}
