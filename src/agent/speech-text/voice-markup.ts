import type { MappedText } from "./mapped-text.ts";
import type { MarkupTokens } from "./markup-tokens.ts";
import { isTypeArgument, tag } from "./spans/tags.ts";

/** Markup in a text that a voice performs instead of reading it aloud. */
export interface SpeechMarkup {
  /**
   * Tags that it knows, by name, such as `break` in `<break time="0.4s"/>`.
   * @default none
   */
  readonly tags?: readonly string[];
  /**
   * Directions in square brackets, such as `[laughs]`, in any words.
   * @default false
   */
  readonly directions?: boolean;
}

/** Directions that voices know: where the voice does not, they are left out, since they are no words of the text. */
const knownDirections = new RegExp(
  `^(?:${[
    "(?:starts? )?(?:to )?(?:laugh|giggl|chuckl|whisper|sigh|shout|sob|cry|sing|snort|gasp|yawn|groan|hum|mutter|cough|sniff|wheez|gulp|swallow|exhal|inhal|scoff|stutter|stammer|woo)(?:es|e|s|ing|ed)?(?: (?:hard|harder|softly|quietly|loudly|nervously|deeply|sharply))*",
    "crying|sarcastic(?:ally)?|curious(?:ly)?|excited(?:ly)?|mischievous(?:ly)?|nervous(?:ly)?|sad(?:ly)?|angr(?:y|ily)|happ(?:y|ily)|cheerful(?:ly)?|calm(?:ly)?|tired|sorrowful|annoyed|appalled|thoughtful|surprised|frustrated|warmly|dramatic(?:ally)?|deadpan|playful(?:ly)?",
    "(?:short |long |brief )?pauses?|clears? throat|applause|clapping|gunshot|explosion|laughter|rushed|drawn out|slows? down|(?:strong )?[a-z]+ accent|[a-z]+ (?:tone|voice)",
  ].join("|")})$`,
  "i",
);

const direction = /^[\p{L}][\p{L}\p{M}'’ ,-]{0,60}$/u;

/** Returns whether words in square brackets are a direction for the voice, and whether it performs it. */
export function directionIn(words: string, markup: SpeechMarkup): "performed" | "unknown" | null {
  if (!direction.test(words) || words.split(/\s+/).length > 8) return null;
  if (markup.directions === true) return "performed";
  return knownDirections.test(words.trim()) ? "unknown" : null;
}

export const performsTag = (name: string, { tags = [] }: SpeechMarkup): boolean =>
  tags.includes(name.toLowerCase());

const anyTag = new RegExp(String.raw`${tag}(?:(?<!/>)[^<>]{0,200}</\2\s{0,5}>)?`, "gi");
const anyDirection = /\[([^[\]]{1,64})\]/g;

/** Puts markup that was added to a sentence out of reach; what the voice does not perform is left out. */
export function withTokens(text: MappedText, markup: SpeechMarkup, tokens: MarkupTokens): void {
  text.put(anyTag, ({ 0: whole, 2: name = "", index, input }) => {
    if (performsTag(name, markup)) return tokens.add(whole);
    const after = input[index + whole.length];
    return isTypeArgument(whole, input[index - 1], after) ? null : whole.replaceAll(/<[^<>]*>/g, "");
  });
  text.put(anyDirection, ([whole, words = ""]) => {
    const direction = directionIn(words, markup);
    if (direction === null) return null;
    return direction === "performed" ? tokens.add(whole) : "";
  });
}

/** Returns a text without the markup that a voice does not perform. */
export function withoutMarkup(text: string, markup: SpeechMarkup = {}): string {
  return text
    .replaceAll(anyTag, (whole, _slash, name: string) =>
      performsTag(name, markup) ? whole : whole.replaceAll(/<[^<>]*>/g, ""),
    )
    .replaceAll(anyDirection, (whole) => (markup.directions === true ? whole : ""))
    .replaceAll(/ {2,}/g, " ")
    .trim();
}
