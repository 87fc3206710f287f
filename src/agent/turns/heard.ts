/** The part of an answer that was heard. */
export interface Heard {
  /** Sound, in milliseconds; 0 where the answer is text that is read. */
  readonly ms: number;
  /** Characters of its words. */
  readonly characters: number;
}

export const nothingHeard: Heard = { ms: 0, characters: 0 };
