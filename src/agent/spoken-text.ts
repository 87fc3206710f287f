import { MappedText } from "./mapped-text.ts";

/** Where a text begins, or ends: in words, or within a block of code that an earlier piece opened. */
export type SpokenContext = "prose" | "code";

/** A text as it is read aloud. */
export interface SpokenText {
  /** What is to be spoken: one line, trimmed; empty where there is nothing. */
  readonly text: string;
  /** Where the next piece of the same text begins. */
  readonly context: SpokenContext;
  /**
   * How much of the original was heard, once the first `length` of `text` were, both in UTF-16 units. With all of `text` it is
   * all of the original, what cannot be spoken included.
   */
  toOriginal(length: number): number;
}

/**
 * Makes of a text that is meant to be read, with Markdown, emojis and addresses, one that can be spoken. Pure. A long text
 * may come in pieces, such as sentences; each gets the context that the one before it ended in.
 */
export function spokenText(source: string, context: SpokenContext = "prose"): SpokenText {
  // More white space means nothing, and takes long to look through.
  const mapped = new MappedText(source).put(/[ \t]{4,}/g, "   ");
  const ended = dropCode(mapped, context);
  unwrapLinks(mapped);
  unwrapLines(mapped);
  dropEmphasis(mapped);
  dropSymbols(mapped);
  joinLines(mapped);
  tidy(mapped);
  const { text, ends } = mapped;
  return {
    text,
    context: ended,
    toOriginal(length) {
      if (length >= text.length) return source.length;
      const end = length < 1 ? 0 : ends[Math.floor(length) - 1]!;
      return cutsCharacter(source, end) ? end - 1 : end;
    },
  };
}

function cutsCharacter(text: string, at: number): boolean {
  return /[\uD800-\uDBFF]/.test(text[at - 1] ?? "") && /[\uDC00-\uDFFF]/.test(text[at] ?? "");
}

/** Blocks of code are not read aloud. One that opens and ends in its own line is code within words. */
function dropCode(mapped: MappedText, context: SpokenContext): SpokenContext {
  let state = context;
  mapped.drop(/[^\n]+\n?/g, ([line]) => {
    const within = state === "code";
    if (within ? /^\s*(```|~~~)\s*$/.test(line) : /^\s*(```(?!.*```)|~~~(?!.*~~~))/.test(line)) {
      state = within ? "prose" : "code";
      return true;
    }
    return within;
  });
  return state;
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&#39;": "'",
  "&nbsp;": " ",
};

/** Tags, links and addresses: what is left is what one would say of them, of an address the host. */
function unwrapLinks(mapped: MappedText): void {
  mapped
    .drop(/<!--[\s\S]*?(?:-->|$)/g)
    .keep(/<((?:https?:|mailto:)[^<>\s]+|[^<>\s@]+@[^<>\s@]+)>/dg)
    .put(/<br ?\/?>/gi, "\n")
    .drop(/<\/?[a-z][^<>\n]{0,300}>/gi)
    .put(/&(?:amp|lt|gt|quot|apos|nbsp|#39);/g, ([entity]) => entities[entity] ?? " ");
  // Twice, for an image within a link.
  const link =
    /!?\[((?:[^[\]\n]|\[[^[\]\n]*\]){0,500})\]\((?:[^()\s]|\([^()\s]*\)){0,2000}(?:[ \t]+"[^"\n]*")?[ \t]*\)/dg;
  mapped.keep(link).keep(link);
  mapped
    .drop(/\[\^[^\]\s]+\]:?/g)
    .drop(/^[ \t]*\[[^[\]\n]+\]:[ \t]*(?:https?:|www\.|[/#<]).*$/gm)
    .keep(/!?\[([^[\]\n]+)\]\[[^[\]\n]*\]/dg)
    .drop(/(?<=[\p{L}\p{N}.,!?;:"”’)])\[\d{1,3}(?: ?[,–-] ?\d{1,3})*\]/gu)
    // Of a link that was cut between two pieces.
    .drop(/\]\((?:https?:|www\.|mailto:|tel:|[/#])[^\s)]*\)?/g)
    .keep(
      /(?:https?|ftp):\/\/(?:[^\s/@]*@)?(?:www\.)?([^\s/?#<>"'()[\]{}|\\^`*]+)(?:[/?#](?:[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}*_~])?)?/dgi,
    )
    .drop(/\b(?:mailto|tel):(?=\S)/gi)
    .drop(/\bwww\.(?=[\w-]+\.)/gi);
}

/** What the beginning of a line means: headings, lists, quotes, tables. */
function unwrapLines(mapped: MappedText): void {
  mapped
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

function dropEmphasis(mapped: MappedText): void {
  mapped
    .drop(/\\(?=[\p{P}\p{S}])/gu)
    .put(/\\+/g, " ")
    .drop(/`+|~~+/g)
    .put(/(?<=\d)\*{2,}(?=\d)/g, " ")
    .drop(/\*{2,}/g)
    // It stays where it is a sign of arithmetic: "2 * 3", "2*3".
    .drop(/\*(?<!\s\*(?=\s))(?<!\d\*(?=\d))/g)
    .drop(/(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu)
    .put(/_+/g, " ");
}

const onePictograph =
  /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}](?:[\uFE0E\uFE0F\u20E3\p{Emoji_Modifier}\u{E0020}-\u{E007F}]|\u200D)*[ \t]*/u
    .source;
const doubleStops: Readonly<Record<string, string>> = { "‼": "!", "⁇": "?", "⁈": "?", "⁉": "?" };

/** Emojis, arrows, and what has no sound. */
function dropSymbols(mapped: MappedText): void {
  mapped
    .put(/[‼⁇⁈⁉]/g, ([stop]) => doubleStops[stop] ?? "!")
    .keep(/([0-9#*])\uFE0F?\u20E3/dg)
    .put(/[ \t]*(?:[\u2190-\u21FF\u27F0-\u27FF\u2900-\u297F\u2B00-\u2B11]\uFE0F?|[-=]+>|<-+)[ \t]*/gu, ", ")
    .drop(new RegExp(`[ \\t]*(?:${onePictograph})+(?=\\p{P}|$)`, "gmu"))
    .put(new RegExp(`[ \\t]*(?:${onePictograph})+`, "gu"), " ")
    .put(/[ \t]*[•◦‣▪●○∙■□►▸➤][ \t]*|[ \t]+·[ \t]+/g, ", ")
    .drop(/[\uFE00-\uFE0F\u20E3\p{Cs}\p{Co}\p{Cn}]|(?!\u200C|\u200D)\p{Cf}/gu)
    // Within words these two belong to the script.
    .drop(/(?<![\p{L}\p{M}])[\u200C\u200D]+|[\u200C\u200D]+(?![\p{L}\p{M}])/gu)
    .put(/[\p{Cc}--[\n\r\t]]|[\p{So}--[°№℃℉]]/gv, " ")
    .drop(/[[\]{}]/g)
    // Of an address that is none.
    .drop(/(?:https?|ftp):\/\//gi);
}

const ends = /[.,!?;:…–—。．！？；、，：؟۔।॥-]["'”’»」』）)]*$/u;
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;

/** A line that ends without a stop gets one, or its words run into those of the next; not one that was merely wrapped. */
function joinLines(mapped: MappedText): void {
  mapped.put(/\s*[\n\u2028\u2029]\s*/g, ({ 0: gap, index, input }) => {
    const before = input.slice(Math.max(0, index - 8), index);
    const next = input.slice(index + gap.length, index + gap.length + 1);
    if (before === "") return "";
    const wrapped = /\p{Ll}/u.test(next) && !/[\n\u2028\u2029]\s*[\n\u2028\u2029]/.test(gap);
    if (wrapped || ends.test(before)) return " ";
    return wide.test(before) ? "。" : ". ";
  });
}

function tidy(mapped: MappedText): void {
  mapped
    .keep(/([^\p{L}\p{N}\s.])\1{2,}/dgu)
    .put(/\.{4,}/g, "...")
    .put(/\s+/g, " ")
    .put(/(?: ?,){2,}/g, ",")
    .drop(/ (?=,)/g)
    .drop(/,(?= ?[.!?;:…。！？])/g)
    .drop(/^[\s,]+|\s+$/g);
  if (!/[\p{L}\p{N}]/u.test(mapped.text)) mapped.drop(/^.+$/g);
}
