import { MappedText } from "./mapped-text.ts";
import { MarkupTokens, tokens, withoutTokens } from "./markup-tokens.ts";
import { type Pronunciations, pronounce } from "./pronunciations.ts";
import { type SentenceOptions, SentenceSplitter } from "./sentences/sentence-splitter.ts";
import { directionRule } from "./spans/directions.ts";
import { patternRule } from "./spans/pattern.ts";
import { compileRules, SpanRewriter, type SpanRule } from "./spans/span-rewriter.ts";
import { dropSoundless } from "./symbols.ts";
import type { PatternTransform, SentenceTransform, TextTransform, TransformRules } from "./text-transform.ts";
import { textTransforms } from "./text-transforms.ts";
import { joinLines, tidy } from "./tidy.ts";
import { type SpeechMarkup, withTokens } from "./voice-markup.ts";

export interface SpeechTextOptions {
  /** The changes that are made to the text. Default: {@link textTransforms.standard}. */
  readonly transforms?: readonly TextTransform[];
  readonly pronunciations?: Pronunciations;
  /** The markup that the voice performs. Default: none. */
  readonly markup?: SpeechMarkup;
  readonly sentences?: SentenceOptions;
}

/** A piece of a text that is spoken at once. */
export interface SpeechPiece {
  /** All of it as it was written: the pieces joined are the text. */
  readonly source: string;
  /** The beginning of the piece in all that was written, in UTF-16 units. */
  readonly start: number;
  /** The text that is to be spoken: one line, trimmed; empty where there is nothing. */
  readonly text: string;
  /**
   * Returns how much of the source was heard, once the first `length` of `text` were, both in UTF-16 units. With all of
   * `text` it is all of the source, what cannot be spoken included.
   */
  toSource(length: number): number;
}

/**
 * Makes of a text that is still being written the pieces that a voice speaks: spans such as links are rewritten first, then it
 * is cut into sentences, and each goes through the transforms. The pieces depend on the text alone, not on how it came.
 */
export class SpeechText {
  readonly #rewriter: SpanRewriter;
  readonly #splitter: SentenceSplitter;
  readonly #tokens = new MarkupTokens();
  readonly #steps: readonly ((text: MappedText) => void)[];
  /** The text that is written and not part of a piece yet; `#start` is its beginning. */
  #source = "";
  #start = 0;
  /** The places in the source up to which it is over with each unit of the text that the splitter holds. */
  #ends: number[] = [];

  constructor(options: SpeechTextOptions = {}) {
    const { transforms = textTransforms.standard, pronunciations = {}, markup = {}, sentences } = options;
    this.#rewriter = new SpanRewriter(compileRules(rulesOf(transforms, markup)), this.#tokens);
    this.#splitter = new SentenceSplitter(sentences);
    this.#steps = stepsOf(transforms, pronunciations, (text) => withTokens(text, markup, this.#tokens));
  }

  /**
   * Adds what was written, and returns the pieces that are complete with it.
   * @param endsSentence True where it is known that a sentence ends with it: its end is not looked for in what follows.
   */
  push(delta: string, endsSentence = false): SpeechPiece[] {
    this.#source += delta;
    this.#rewriter.write(withoutTokens(delta));
    // A span that is open may reach beyond the sentence.
    return this.#pieces(endsSentence && this.#rewriter.endWord() ? "sentence" : "nothing");
  }

  /** Returns the rest, where nothing more will come for now. Text that is pushed later begins anew, with a first piece. */
  flush(): SpeechPiece[] {
    this.#rewriter.end();
    const pieces = this.#pieces("text");
    if (this.#source !== "")
      pieces.push(this.#piece(new MappedText("", []), this.#start + this.#source.length));
    return pieces;
  }

  /** @param ended What is known to end with the text so far. */
  #pieces(ended: "nothing" | "sentence" | "text"): SpeechPiece[] {
    const { text, ends } = this.#rewriter.take();
    for (const end of ends) this.#ends.push(end);
    const sentences = this.#splitter.push(text);
    if (ended === "sentence") sentences.push(...this.#splitter.endSentence());
    if (ended === "text") sentences.push(...this.#splitter.flush());
    return sentences.map((sentence) => {
      const taken = this.#ends.splice(0, sentence.text.length);
      const end = taken.at(-1) ?? this.#start;
      const from = this.#start;
      return this.#piece(
        new MappedText(
          sentence.text,
          taken.map((place) => place - from),
        ),
        end,
      );
    });
  }

  #piece(mapped: MappedText, end: number): SpeechPiece {
    const length = end - this.#start;
    const source = this.#source.slice(0, length);
    const start = this.#start;
    this.#source = this.#source.slice(length);
    this.#start = end;
    for (const step of this.#steps) step(mapped);
    const { text, ends } = this.#spoken(mapped);
    return {
      source,
      start,
      text,
      toSource(count) {
        if (count >= text.length) return source.length;
        const heard = count < 1 ? 0 : ends[Math.floor(count) - 1]!;
        return cutsCharacter(source, heard) ? heard - 1 : heard;
      },
    };
  }

  /** Returns the text with the markup of the voice in its place; nothing, where there is neither a word nor a sound. */
  #spoken(mapped: MappedText): MappedText {
    const markup = (mapped.text.match(tokens) ?? []).map((token) => this.#tokens.of(token)).join("");
    const worth = /[\p{L}\p{N}]/u.test(mapped.text) || /\[[^\]]+\]|>[^<]*[\p{L}\p{N}]/u.test(markup);
    return worth ? mapped.put(tokens, ([token]) => this.#tokens.of(token)) : new MappedText("", []);
  }
}

/**
 * Returns whether nothing would be spoken of a text. Functions and patterns of the user count for nothing here: what
 * they leave out is left out on purpose.
 */
export function isSilent(text: string, options: SpeechTextOptions = {}): boolean {
  const { transforms = textTransforms.standard } = options;
  const speech = new SpeechText({ ...options, transforms: transforms.filter(isBuiltIn) });
  return [...speech.push(text), ...speech.flush()].every((piece) => piece.text === "");
}

function cutsCharacter(text: string, at: number): boolean {
  return /[\uD800-\uDBFF]/.test(text[at - 1] ?? "") && /[\uDC00-\uDFFF]/.test(text[at] ?? "");
}

const isPattern = (transform: TextTransform): transform is PatternTransform =>
  typeof transform === "object" && "start" in transform;
const isBuiltIn = (transform: TextTransform): transform is TransformRules =>
  typeof transform === "object" && !("start" in transform);

const isCustom = (transform: TextTransform): transform is SentenceTransform =>
  typeof transform === "function";

function rulesOf(transforms: readonly TextTransform[], markup: SpeechMarkup): SpanRule[] {
  return [
    ...transforms.filter(isPattern).map(patternRule),
    ...transforms.filter(isBuiltIn).flatMap((transform) => transform.spans?.(markup) ?? []),
    directionRule(markup),
  ];
}

type Step = (text: MappedText) => void;

const finish: Step = (text) => {
  dropSoundless(text);
  joinLines(text);
  tidy(text);
};

/** Returns the steps, one after another as they are listed; a user's function gets a sentence as it would be spoken at that point. */
function stepsOf(
  transforms: readonly TextTransform[],
  pronunciations: Pronunciations,
  protect: Step,
): Step[] {
  const steps: Step[] = [(text) => text.put(/[ \t]{4,}/g, "   ")];
  for (const transform of transforms) {
    if (isCustom(transform)) steps.push(finish, custom(transform), protect);
    else if (isBuiltIn(transform) && transform.sentence) steps.push(transform.sentence);
  }
  return [...steps, finish, pronounce(pronunciations), protect, tidy];
}

/** Makes a step of a user's function. Markup of the voice stays where it is: the function gets the words around it. */
function custom(transform: SentenceTransform): Step {
  return (text) => {
    if (text.text === "") return;
    const changed: unknown = transform(text.text);
    if (typeof changed !== "string") {
      throw new TypeError(`A text transform has to return a string, and returned ${typeof changed}`);
    }
    text.become(changed);
  };
}
