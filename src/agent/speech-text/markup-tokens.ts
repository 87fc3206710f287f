const firstCode = 0xe000;
const mostTokens = 0x1000;

/** The characters that stand for markup: rules and sentences take each for one character. */
export const tokens = /[\uE000-\uEFFF]/g;

/** The characters that stand for the brackets of a source in some models, U+E200 and U+E201, which are taken here. */
export const beginOfMark = "\uFDD0";
export const endOfMark = "\uFDD1";
const nothing = "\uFFFE";

/** Returns a text without the characters that stand for markup: in their place are as many others, which have no sound. */
export const withoutTokens = (text: string): string =>
  text.replaceAll(/[\uE000-\uF8FF]/g, (character) =>
    character === "\uE200" ? beginOfMark : character === "\uE201" ? endOfMark : nothing,
  );

/** Markup that the voice performs, such as `[laughs]`: kept out of reach, as one character each, until the text is spoken. */
export class MarkupTokens {
  readonly #markup: string[] = [];

  /** Returns the character that stands for this markup; empty where there is too much of it. */
  add(markup: string): string {
    if (this.#markup.length === mostTokens) return "";
    this.#markup.push(markup);
    return String.fromCharCode(firstCode + this.#markup.length - 1);
  }

  /** Returns the markup that a character stands for; empty where it stands for none. */
  of(character: string): string {
    return this.#markup[character.charCodeAt(0) - firstCode] ?? "";
  }
}
