/** The words that the emulator recognises, and its behaviour. All of it may be changed while it runs. */
export interface DeepgramScript {
  /**
   * The transcript of each turn: a list that is gone through, over and over, or a function. A turn of several strings has
   * a text after each pause within it: the first is what is known at the first pause, the last is the whole turn.
   */
  phrases: readonly Phrase[] | ((turn: TurnPosition) => Phrase);
  /** True where turns come from the sound. False: nothing is sent but what `emit` is given. */
  automatic: boolean;
  /** Nova only: whether a pause ends with `speech_final`. False: `UtteranceEnd` has to do, as in a noisy room. */
  speechFinal: boolean;
  /** True where words carry their times. Deepgram's Flux has sent them since July 2026. */
  wordTimes: boolean;
  /** True where Flux tells why a turn ended, in `trigger`. Its documentation has it; recorded sessions do not. */
  trigger: boolean;
  /**
   * Nova only: whether speech is noticed once more behind each utterance, which brings no word, as room noise and breath do
   * in nearly every recorded session.
   */
  noise: boolean;
  /** Nova only: whether the second interim result of an utterance takes the words of the first back. */
  secondThoughts: boolean;
  /** Loudness of 20 ms above which they are speech: root mean square of 16-bit samples. */
  speechLevel: number;
}

export type Phrase = string | readonly string[];

export interface TurnPosition {
  /** Turns that ended before this one, over all connections. */
  readonly turn: number;
  /** Connections that were opened before this one. */
  readonly connection: number;
}

export const defaultScript = (): DeepgramScript => ({
  phrases: [
    "Hello there, how are you?",
    "What is the weather like in Amsterdam today?",
    "Tell me something interesting.",
    "Thank you, goodbye.",
  ],
  automatic: true,
  speechFinal: true,
  wordTimes: true,
  trigger: false,
  noise: true,
  secondThoughts: true,
  speechLevel: 200,
});

/** The texts of one turn, pause by pause; at least one. */
export function textsOf({ phrases }: DeepgramScript, position: TurnPosition): readonly string[] {
  const phrase =
    typeof phrases === "function" ? phrases(position) : (phrases[position.turn % phrases.length] ?? "");
  return typeof phrase === "string" ? [phrase] : phrase;
}
