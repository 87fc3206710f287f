import { SentenceSplitter } from "../src/agent/speech-text/sentences/sentence-splitter.ts";
import { SpeechText } from "../src/agent/speech-text/speech-text.ts";
import type { Bench, Report } from "./figure.ts";
import { type SampleText, sampleTexts, unpunctuated } from "./sentences/texts.ts";
import { tokensOf } from "./sentences/tokens.ts";
import { median, quantile } from "./statistics.ts";

/** Cuts a text that is there as a whole. */
type Segmenter = (text: string, language: string) => readonly string[];

/** Times each text is gone through: the first ones are slower until they are compiled. */
const rounds = 30;

/** Measures how text is cut into what a voice speaks: how well, how soon, and in what time. */
export default {
  about: "text → sentences for the voice: right by language, tokens until the first piece, time per answer",
  async run(report) {
    const segmenters = await all();
    for (const [name, segmenter] of segmenters) correctness(report, name, segmenter);
    firstPieces(report, "punctuated", sampleTexts, 21);
    firstPieces(report, "unpunctuated", unpunctuated, 40);
    for (const [name, segmenter] of segmenters) {
      timeOf(report, `${name}_split`, (text) => void segmenter(text.text, text.language));
    }
    timeOf(report, "speech_text_whole_stage", ({ tokens }) => {
      const text = new SpeechText();
      for (const token of tokens) text.push(token);
      text.flush();
    });
  },
} satisfies Bench;

const own: Segmenter = (text) => {
  const splitter = new SentenceSplitter({
    minLength: 0,
    firstClauseWords: Number.POSITIVE_INFINITY,
    maxLength: 10_000,
  });
  return [...splitter.push(text), ...splitter.flush()].map((piece) => piece.text);
};

const builtIn: Segmenter = (text, language) =>
  [...new Intl.Segmenter(language, { granularity: "sentence" }).segment(text)].map(({ segment }) => segment);

/** Ours, that of Node, and libraries where they are installed: `npm install --no-save sentencex cldr-segmentation`. */
async function all(): Promise<[string, Segmenter][]> {
  const found: [string, Segmenter][] = [
    ["greenroom", own],
    ["intl_segmenter", builtIn],
  ];
  const sentencex = await optional<{ segment(language: string, text: string): string[] }>("sentencex");
  if (sentencex) found.push(["sentencex", (text, language) => sentencex.segment(language, text)]);
  const cldr = await optional<{
    sentenceSplit(text: string, suppressions?: object): string[];
    suppressions?: Readonly<Record<string, object>>;
  }>("cldr-segmentation");
  if (cldr) {
    found.push([
      "cldr_segmentation",
      (text, language) => cldr.sentenceSplit(text, cldr.suppressions?.[language] ?? cldr.suppressions?.en),
    ]);
  }
  return found;
}

async function optional<Library>(name: string): Promise<Library | null> {
  try {
    const loaded: Library & { readonly default?: Library } = await import(name);
    return loaded.default ?? loaded;
  } catch {
    return null;
  }
}

function correctness(report: Report, name: string, segmenter: Segmenter): void {
  const wrong = new Map<string, number>();
  let right = 0;
  for (const { language, sentences, gap = " " } of sampleTexts) {
    const pieces = segmenter(sentences.join(gap), language)
      .map((piece) => piece.trim())
      .filter((piece) => piece !== "");
    if (JSON.stringify(pieces) === JSON.stringify(sentences)) right += 1;
    else wrong.set(language, (wrong.get(language) ?? 0) + 1);
  }
  const missed = [...wrong].map(([language, count]) => `${language} ${count}`).join(", ");
  report({
    figure: `${name}_right`,
    value: right / sampleTexts.length,
    unit: "ratio",
    ...(name === "greenroom" ? { target: { atLeast: 1 } } : {}),
    note: `of ${sampleTexts.length} answers${missed === "" ? "" : `; wrong: ${missed}`}`,
  });
}

function firstPieces(report: Report, kind: string, texts: readonly SampleText[], atMost: number): void {
  const counts = texts.map(({ sentences, gap = " " }) => {
    const text = new SpeechText();
    const tokens = tokensOf(sentences.join(gap));
    const found = tokens.findIndex((token) => text.push(token).length > 0);
    return found < 0 ? tokens.length : found + 1;
  });
  const note = `${texts.length} texts; tokens are estimated`;
  report({ figure: `tokens_to_first_piece_p50_${kind}`, value: median(counts), unit: "count", note });
  const p90 = quantile(counts, 0.9);
  report({
    figure: `tokens_to_first_piece_p90_${kind}`,
    value: p90,
    unit: "count",
    target: { atMost },
    note,
  });
  report({ figure: `tokens_to_first_piece_max_${kind}`, value: Math.max(...counts), unit: "count", note });
}

function timeOf(
  report: Report,
  name: string,
  work: (text: {
    readonly text: string;
    readonly language: string;
    readonly tokens: readonly string[];
  }) => void,
): void {
  const texts = sampleTexts.map(({ language, sentences, gap = " " }) => {
    const text = sentences.join(gap);
    return { language, text, tokens: tokensOf(text) };
  });
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    for (const text of texts) work(text);
    tookMs.push((performance.now() - startedAt) / texts.length);
  }
  // The fastest quarter: compiled, and not disturbed by what else runs here.
  report({ figure: `${name}_per_answer`, value: quantile(tookMs, 0.25), unit: "ms" });
}
