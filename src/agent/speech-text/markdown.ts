import type { MappedText } from "./mapped-text.ts";

/** Headings, lists, quotes, tables and emphasis: what is left is what one would say. */
export function dropMarkdown(text: MappedText): void {
  unwrapLines(text);
  dropEmphasis(text);
}

/** Takes away what the beginning of a line means: headings, lists, quotes, tables. */
function unwrapLines(text: MappedText): void {
  text
    .drop(/^[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*|#+[ \t]*)$/gm)
    .drop(/^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/gm)
    .drop(/^[ \t]*(?:>[ \t]?)+/gm)
    // A blank line parts an item from what is around it, see `joinLines`.
    .put(/(?<=^[ \t]*#{1,6}[ \t][^\n]*?)(?:[ \t]+#+)?[ \t]*\n/gm, "\n\n")
    .put(/^[ \t]*#{1,6}[ \t]+/gm, "\n\n")
    .put(/^[ \t]*[-+*•◦‣▪●○–—][ \t]+(?:\[[ xX]\][ \t]+)?/gm, "\n\n")
    .put(/^[ \t]*\|[ \t]*/gm, "\n\n")
    .drop(/[ \t]*\|[ \t]*$/gm)
    .put(/[ \t]*\|+[ \t]*/g, ", ");
}

/**
 * Returns whether all double stars of a text are powers, as in "2**3", and none marks a beginning or an end of bold
 * words.
 */
const isPower = (text: string): boolean =>
  !/(?<!\d)\*{2,}|\*{2,}(?!\d)/.test(text.replaceAll(/\*{3,}/g, "**"));

function dropEmphasis(text: MappedText): void {
  text
    .drop(/\\(?=[\p{P}\p{S}])/gu)
    .put(/\\+/g, " ")
    .drop(/`+|~~+/g)
    .put(/(?<=\d)\*{2,}(?=\d)/g, ({ input }) => (isPower(input) ? "^" : " "))
    .drop(/\*{2,}/g)
    // It stays where it is a sign of arithmetic: "2 * 3", "2*3".
    .drop(/\*(?<!\s\*(?=\s))(?<!\d\*(?=\d))/g)
    .drop(/(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu)
    .put(/_+/g, " ");
}
