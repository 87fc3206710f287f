import type { MappedText } from "./mapped-text.ts";
import { beginsSentence } from "./sentences/sentence-end.ts";

const ends = /[.,!?;:…–—。．！？；、，：؟۔।॥-]["'”’»」』）)]*[\uE000-\uEFFF]*$/u;
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;

/** Ends a line with a stop where it has none, or its words would run into those of the next; not one that was merely wrapped. */
export function joinLines(text: MappedText): void {
  text.put(/\s*[\n\u2028\u2029]\s*/g, ({ 0: gap, index, input }) => {
    const before = input.slice(Math.max(0, index - 12), index);
    const next = input.slice(index + gap.length, index + gap.length + 1);
    if (before === "") return "";
    const wrapped = /\p{Ll}/u.test(next) && !/[\n\u2028\u2029]\s*[\n\u2028\u2029]/.test(gap);
    if (wrapped || ends.test(before)) return " ";
    return wide.test(before) ? "。" : ". ";
  });
}

/** Writes white space and stops as people do, and leaves nothing where there is no word. */
export function tidy(text: MappedText): void {
  text
    // ". . ." is one pause.
    .put(/[ \t]*\.(?:[ \t]+\.){2,}/g, "...")
    // Sentences that were written without a space between them.
    .put(/(?<=[\p{L}\p{N}][!?])(?=[\p{Lu}¿¡])/gu, " ")
    .put(/(?<=\p{Script=Hangul}[!?]|[다요죠까네지]\.)(?=\p{Script=Hangul})/gu, " ")
    .put(
      /(?<=(?<![\p{L}.])(?:\p{Ll}{2,30}|(?<=[\s\p{Sc}])[\d.,]{1,20}\d)\.)(?=(\p{Lu}\p{Ll}*)(?:[\s,’']|[.!?]+(?:\s|$)))/gu,
      ([, word = ""]) => (beginsSentence(word) ? " " : null),
    )
    .keep(/([^\p{L}\p{N}\s.\uE000-\uEFFF])\1{2,}/dgu)
    .put(/\.{4,}/g, "...")
    .put(/\s+/g, " ")
    .put(/(?: ?,){2,}/g, ",")
    // A space before a comma or a full stop is left over from removed text.
    .drop(/ (?=,|\.(?:\s|$))/g)
    .drop(/,(?= ?[.!?;:…。！？])/g)
    .drop(/^(?:[\s,]|\.(?=\s))+|\s+$/g);
}
