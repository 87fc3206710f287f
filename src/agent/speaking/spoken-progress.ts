/** The progress of the agent's words in one turn. */
export interface SpokenProgress {
  /** Its first sound is on its way to the participants. */
  readonly begun: boolean;
  /** True while it asks: a question is being heard, was heard a moment ago, or is about to be. */
  readonly asks: boolean;
  /** The time that the rest will sound, in milliseconds; infinite while more may be written. */
  readonly leftMs: number;
}

export const nothingSaid: SpokenProgress = { begun: false, asks: false, leftMs: Number.POSITIVE_INFINITY };

/** A piece of text on its way to be heard: a sentence, or a part of one. */
export interface SpokenPiece {
  readonly text: string;
  /** Its first sound is on its way to the participants. */
  readonly begun: boolean;
  /** Sound of it that was heard, and that there is or will be, in milliseconds. */
  readonly heardMs: number;
  readonly durationMs: number;
}

/** The time after a question for which an answer is one to it, though the agent goes on; in milliseconds. */
const askedForMs = 2_500;
/** A question that comes so soon is one that people answer already; in milliseconds. */
const asksSoonMs = 1_500;
/** The time that a character is taken to sound while its sound is not made yet, in milliseconds. */
export const characterMs = 65;

const closing = `["'”’»」』)\\]*_\\s]*$`;
const sentenceEnd = new RegExp(`[.!?…。！？؟;।]${closing}`, "u");
const questionEnd = new RegExp(`(?:[?？؟;]|か[。.])${closing}`, "u");

/** Returns whether a text ends with a question. A question has a mark, or in Japanese its last syllable. */
export const isQuestion = (text: string): boolean => questionEnd.test(text);

/** Returns the pieces of each sentence, as far as they are written. */
function sentencesOf(pieces: readonly SpokenPiece[]): SpokenPiece[][] {
  const sentences: SpokenPiece[][] = [];
  let whole = true;
  for (const piece of pieces) {
    if (whole) sentences.push([piece]);
    else sentences.at(-1)?.push(piece);
    whole = sentenceEnd.test(piece.text);
  }
  return sentences;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const heardMs = (sentence: readonly SpokenPiece[]): number => sum(sentence.map((piece) => piece.heardMs));
const leftMs = (sentence: readonly SpokenPiece[]): number =>
  sum(sentence.map((piece) => Math.max(0, piece.durationMs - piece.heardMs)));
const asking = (sentence: readonly SpokenPiece[] | undefined): boolean =>
  isQuestion(sentence?.map(({ text }) => text).join("") ?? "");

/** Returns the index of the sentence that is being heard, or is next; that beyond the last one where all was heard. */
const currentOf = (sentences: readonly SpokenPiece[][]): number => {
  const current = sentences.findIndex((sentence) => leftMs(sentence) > 0);
  return current < 0 ? sentences.length : current;
};

/** Returns whether the next sentence is a question, and not far away. */
const asksSoon = (sentences: readonly SpokenPiece[][], current: number): boolean =>
  leftMs(sentences[current] ?? []) < asksSoonMs && asking(sentences[current + 1]);

const sentenceBorder =
  /(?<=[.!?…؟;।]["'”’»)\]*_]*\s+)(?=\S)|(?<=[。！？]["'”’」』）]*)(?=[^\s"'”’」』）。！？])/u;

/** Returns each sentence of a piece by itself, with its share of the sound: short ones share a piece, and a question may be one of them. */
function bySentence(piece: SpokenPiece): SpokenPiece[] {
  const texts = piece.text.split(sentenceBorder);
  let end = 0;
  return texts.map((text) => {
    const startMs = (end / piece.text.length) * piece.durationMs;
    end += text.length;
    const durationMs = (text.length / piece.text.length) * piece.durationMs;
    const heardMs = Math.min(durationMs, Math.max(0, piece.heardMs - startMs));
    return { text, begun: piece.begun && piece.heardMs >= startMs, heardMs, durationMs };
  });
}

/** @param written All of it is written. */
export function spokenProgress(pieces: readonly SpokenPiece[], written: boolean): SpokenProgress {
  const sentences = sentencesOf(pieces.flatMap(bySentence));
  const current = currentOf(sentences);
  const sentence = sentences[current] ?? [];
  const begun = sentence.some((piece) => piece.begun);
  const askedJustNow = asking(sentences[current - 1]) && heardMs(sentence) < askedForMs;
  return {
    begun: pieces.some((piece) => piece.begun),
    asks: askedJustNow || asksSoon(sentences, current) || ((begun || current > 0) && asking(sentence)),
    leftMs: written ? sum(sentences.map(leftMs)) : Number.POSITIVE_INFINITY,
  };
}

/**
 * Returns the number of pieces up to the end of the sentence that is being heard, or of a question that follows at once.
 */
export function piecesThroughSentence(pieces: readonly SpokenPiece[]): number {
  const sentences = sentencesOf(pieces);
  const current = currentOf(sentences);
  // Between two sentences: the next one is not begun for the sake of an answer.
  const begun = sentences[current]?.some((piece) => piece.begun) === true;
  const more = Number(begun) + Number(begun && !asking(sentences[current]) && asksSoon(sentences, current));
  return sum(sentences.slice(0, current + more).map(({ length }) => length));
}
