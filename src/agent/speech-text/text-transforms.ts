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
import type { BuiltInTransform, TransformRules } from "./text-transform.ts";

/** Blocks of code, JSON, and calls of functions that the model wrote down as text are not spoken. */
const code: TransformRules = { name: "code", spans: () => codeRules };
/** Tags are left out, and what stands between `<think>` and the like; entities are said as their characters. */
const markup: TransformRules = { name: "markup", spans: markupRules };
/** `[1]`, `[2, 3]`, `【4†source】` are not spoken. */
const citations: TransformRules = {
  name: "citations",
  spans: () => citationRules,
  sentence: dropCitations,
};
/** Links are said by their label, addresses by their host. */
const links: TransformRules = { name: "links", spans: () => linkRules };
/** Formulas in LaTeX are said with their signs: `\frac{1}{2}` as "1/2". */
const math: TransformRules = { name: "math", spans: () => mathRules };
/** Emphasis, headings, lists, quotes and tables are said by their words. */
const markdown: TransformRules = { name: "markdown", sentence: dropMarkdown };
/** Emojis are not spoken. */
const emoji: TransformRules = { name: "emoji", sentence: dropEmoji };

const standard: readonly TransformRules[] = [code, markup, citations, links, math, markdown, emoji];

/** The transforms that there are, and functions that make others for a language, such as `textTransforms.money("de")`. */
export interface TextTransforms {
  /** The transforms that are on by default, in their order: code, markup, citations, links, math, markdown, emoji. */
  readonly standard: readonly BuiltInTransform[];
  /** Blocks of code, JSON, and calls of functions that the model wrote down as text are not spoken. */
  readonly code: BuiltInTransform;
  /** Tags are left out, and what stands between `<think>` and the like; entities are said as their characters. */
  readonly markup: BuiltInTransform;
  /** `[1]`, `[2, 3]`, `【4†source】` are not spoken. */
  readonly citations: BuiltInTransform;
  /** Links are said by their label, addresses by their host. */
  readonly links: BuiltInTransform;
  /** Formulas in LaTeX are said with their signs: `\frac{1}{2}` as "1/2". */
  readonly math: BuiltInTransform;
  /** Emphasis, headings, lists, quotes and tables are said by their words. */
  readonly markdown: BuiltInTransform;
  /** Emojis are not spoken. */
  readonly emoji: BuiltInTransform;
  /**
   * Amounts of money are said with the words of a language.
   * @param language A language tag, such as `de`. Default `en`.
   */
  money(language?: string): BuiltInTransform;
  /** Telephone numbers are said digit by digit. */
  phoneNumbers(language?: string): BuiltInTransform;
  /** Dates are said with the words of a language. */
  dates(language?: string): BuiltInTransform;
  /** Numbers with units are said with the words of a language. */
  units(language?: string): BuiltInTransform;
  /** E-mail addresses are said with the words of a language. */
  emailAddresses(language?: string): BuiltInTransform;
}

/** Transforms for {@link AgentOptions.ttsTextTransforms}. */
export const textTransforms: TextTransforms = {
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
};
