import { dropMarkdown } from "./markdown.ts";
import { dates } from "./normalization/dates.ts";
import { emailAddresses } from "./normalization/email-addresses.ts";
import { money } from "./normalization/money.ts";
import { phoneNumbers } from "./normalization/phone-numbers.ts";
import { units } from "./normalization/units.ts";
import { citationRules, dropCitations } from "./spans/citations.ts";
import { codeRules } from "./spans/code.ts";
import { linkRules } from "./spans/links.ts";
import { markupRules } from "./spans/markup.ts";
import { mathRules } from "./spans/math.ts";
import { dropEmoji } from "./symbols.ts";
import type { BuiltInTransform } from "./text-transform.ts";

/** Blocks of code, JSON, and calls of functions that the model wrote down as text are not spoken. */
const code: BuiltInTransform = { name: "code", spans: () => codeRules };
/** Tags are left out, and what stands between `<think>` and the like; entities are said as their characters. */
const markup: BuiltInTransform = { name: "markup", spans: markupRules };
/** `[1]`, `[2, 3]`, `【4†source】` are not spoken. */
const citations: BuiltInTransform = {
  name: "citations",
  spans: () => citationRules,
  sentence: dropCitations,
};
/** Links are said by their label, addresses by their host. */
const links: BuiltInTransform = { name: "links", spans: () => linkRules };
/** Formulas in LaTeX are said with their signs: `\frac{1}{2}` as "1/2". */
const math: BuiltInTransform = { name: "math", spans: () => mathRules };
/** Emphasis, headings, lists, quotes and tables are said by their words. */
const markdown: BuiltInTransform = { name: "markdown", sentence: dropMarkdown };
/** Emojis are not spoken. */
const emoji: BuiltInTransform = { name: "emoji", sentence: dropEmoji };

const standard: readonly BuiltInTransform[] = [code, markup, citations, links, math, markdown, emoji];

/**
 * Transforms for {@link AgentOptions.ttsTextTransforms}: those that are on by default, and functions that make others for a
 * language, such as `textTransforms.money("de")`.
 */
export const textTransforms = {
  /** The transforms that are on by default, in their order: code, markup, citations, links, math, markdown, emoji. */
  standard,
  code,
  markup,
  citations,
  links,
  math,
  markdown,
  emoji,
  money,
  phoneNumbers,
  dates,
  units,
  emailAddresses,
} as const;
