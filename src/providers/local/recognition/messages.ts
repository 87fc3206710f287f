/** The rate of all sound that is recognised, in hertz. */
export const recognitionRate = 16_000;

/** The longest sound of one request, in milliseconds: the model was made for some ten seconds, and costs more by the square. */
export const longestRequestMs = 30_000;

/** The most names and words that a listener may ask for, and the most characters of each. */
export const mostKeyterms = { terms: 100, characters: 64 };

/**
 * The purposes of a request, the most urgent first: the words of a turn that has ended, or of a part of one, which a
 * listener waits for; a guess at them in a pause; a caption while somebody speaks.
 */
export const ranks = ["turn", "guess", "caption"] as const;
export type Rank = (typeof ranks)[number];

export interface RecognitionRequest {
  readonly type: "recognise";
  readonly id: number;
  readonly rank: Rank;
  /** Mono, at {@link recognitionRate}. */
  readonly samples: Int16Array;
}

export type ToRecogniser =
  /** Names and words to expect, from here on. */
  { readonly type: "keyterms"; readonly terms: readonly string[] } | RecognitionRequest;

export type FromRecogniser =
  /** The first message: the model is loaded, and requests are answered. */
  | { readonly type: "ready" }
  /** `ms`: the time that the recognition took, in milliseconds. */
  | { readonly type: "recognised"; readonly id: number; readonly text: string; readonly ms: number }
  /** A newer request of the same listener took its place. */
  | { readonly type: "superseded"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly error: string };

/** Returns what a session's thread has sent, which may be anything; null where it is no message. */
export function readToRecogniser(value: unknown): ToRecogniser | null {
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  if (value.type === "keyterms") {
    const { terms } = value as { readonly terms?: unknown };
    return Array.isArray(terms) && terms.length <= mostKeyterms.terms && terms.every(isKeyterm)
      ? { type: "keyterms", terms }
      : null;
  }
  const { type, id, rank, samples } = value as Partial<RecognitionRequest>;
  const right =
    type === "recognise" &&
    Number.isSafeInteger(id) &&
    ranks.some((known) => known === rank) &&
    samples instanceof Int16Array &&
    samples.length <= (longestRequestMs * recognitionRate) / 1_000;
  return right ? (value as RecognitionRequest) : null;
}

export const isKeyterm = (term: unknown): boolean =>
  typeof term === "string" && term.trim() !== "" && term.length <= mostKeyterms.characters;
