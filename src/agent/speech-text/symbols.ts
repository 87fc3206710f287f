import type { MappedText } from "./mapped-text.ts";

const onePictograph =
  /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}](?:[\uFE0E\uFE0F\u20E3\p{Emoji_Modifier}\u{E0020}-\u{E007F}]|\u200D)*[ \t]*/u
    .source;
const atEnd = new RegExp(`[ \\t]*(?:${onePictograph})+(?=\\p{P}|$)`, "gmu");
const within = new RegExp(`[ \\t]*(?:${onePictograph})+`, "gu");
const doubleStops: Readonly<Record<string, string>> = { "‼": "!", "⁇": "?", "⁈": "?", "⁉": "?" };
const arrows = /[ \t]*(?:[\u2190-\u21FF\u27F0-\u27FF\u2900-\u297F\u2B00-\u2B11]\uFE0F?|[-=]+>|<-+)[ \t]*/gu;

/** Leaves out emojis. Signs that only look like one, such as arrows and double stops, are none. */
export function dropEmoji(text: MappedText): void {
  sayStops(text);
  text.drop(atEnd).put(within, " ");
}

/** Arrows are pauses, and a digit on a key is a digit. */
function sayStops(text: MappedText): void {
  text
    .put(/[‼⁇⁈⁉]/g, ([stop]) => doubleStops[stop] ?? "!")
    .keep(/([0-9#*])\uFE0F?\u20E3/dg)
    .put(arrows, ", ");
}

/** Drops what has no sound, whatever else a text may keep. */
export function dropSoundless(text: MappedText): void {
  sayStops(text);
  text
    .put(/[ \t]*[•◦‣▪●○∙■□►▸➤][ \t]*|[ \t]+·[ \t]+/g, ", ")
    // Characters for private use stand for the markup of the voice.
    .drop(/[\uFE00-\uFE0F\u20E3\p{Cs}\p{Cn}\u{F0000}-\u{10FFFD}]|(?!\u200C|\u200D)\p{Cf}/gu)
    // Within words these two belong to the script.
    .drop(/(?<![\p{L}\p{M}])[\u200C\u200D]+|[\u200C\u200D]+(?![\p{L}\p{M}])/gu)
    .put(/[\p{Cc}--[\n\r\t]]|[\p{So}--[°№℃℉\p{Extended_Pictographic}]]/gv, " ")
    .drop(/[[\]{}]/g)
    // Of an address that is none.
    .drop(/(?:https?|ftp):\/\//gi);
}
