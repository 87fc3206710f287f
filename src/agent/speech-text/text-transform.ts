import { type Check, isObject } from "../options/option-checks.ts";
import type { MappedText } from "./mapped-text.ts";
import type { SpanRule } from "./spans/span-rewriter.ts";
import type { SpeechMarkup } from "./voice-markup.ts";

/** A transform of {@link textTransforms}. */
export interface BuiltInTransform {
  readonly name: string;
}

/** A built-in transform with what it does. */
export interface TransformRules extends BuiltInTransform {
  /** Spans that are found while the text is written. */
  spans?(voice: SpeechMarkup): readonly SpanRule[];
  /** A change of one sentence. */
  sentence?(text: MappedText): void;
}

/**
 * A function that gets one sentence, or a clause, as it would be spoken, and returns the text that is to be spoken
 * instead; an empty text is not spoken. It must return at once. An error that it throws fails the turn.
 */
export type SentenceTransform = (sentence: string) => string;

/**
 * Text between two marks, which may come in any number of pieces: it is held back until it is whole, and never cut. So
 * `{ start: "<price>", end: "</price>", replace: (price) => … }`.
 */
export interface PatternTransform {
  readonly start: string;
  readonly end: string;
  /**
   * Returns what is to be spoken of what stands between the marks.
   * @default nothing of it is spoken
   */
  replace?(content: string): string;
}

/** Changes what a voice gets to say, and nothing else: the conversation and the transcript keep what the model wrote. */
export type TextTransform = BuiltInTransform | SentenceTransform | PatternTransform;

const isTransform = (value: unknown): boolean => {
  if (typeof value === "function") return true;
  if (!isObject(value)) return false;
  const { start, end, replace, name, spans, sentence } = value as Record<string, unknown>;
  const absentOr = (field: unknown) => field === undefined || typeof field === "function";
  if (start !== undefined || end !== undefined) {
    return (
      typeof start === "string" && start !== "" && typeof end === "string" && end !== "" && absentOr(replace)
    );
  }
  return typeof name === "string" && absentOr(spans) && absentOr(sentence);
};

export const textTransformsCheck: Check = {
  fits: (value) => Array.isArray(value) && value.every(isTransform),
  expected:
    "a list of transforms: of textTransforms, functions of a sentence, or objects of start, end and replace",
};
