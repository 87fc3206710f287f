/** A line of an `.env` file that cannot be read, or is most likely not meant as it is written. */
export interface EnvFileProblem {
  /** The number of the line, counted from 1. */
  readonly line: number;
  /** The fault, without any of the line's text. */
  readonly what: string;
  /** True where the line may hold a secret, such as the keys that callers are asked for. */
  readonly maySecure: boolean;
}

export interface EnvFile {
  readonly variables: Readonly<Record<string, string>>;
  readonly problems: readonly EnvFileProblem[];
}

/** The pattern of an assignment. `\s` also stands for blanks that are not ASCII, which are copied from web pages. */
const assignment = /^\s*(?:export\s+)?([\w.-]+)\s*=(.*)$/su;
const skipped = /^\s*(#.*)?$/su;
const quotes = ["'", '"', "`"];
const typographic = /^[\u2018-\u201f\u00ab\u00bb\u2039\u203a\u300c-\u300f\uff02\uff07]/u;
/**
 * The invisible characters that come along where a value is copied from a page. The joiners of Persian words and of
 * emoji (200C, 200D) are not among them.
 */
const invisible = /[[\p{Cc}\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]--[\t\n\r]]/v;
/**
 * The pattern of a line that shows, where it lies between quotes, that the closing quote is missing. Base64 has `=` at
 * the ends of lines only.
 */
const looksLikeVariable = /^\s*(?:export\s+)?(?:[A-Z][A-Z0-9_]*\s*=\s*[^=\s]|[\w.-]+\s*=\s*["'`])/u;
const secretWords = /greenroom|key|secret|token|password|credential|auth/iu;

/**
 * Reads the text of an `.env` file: `NAME=value` a line, with or without `export`. A value in single or double quotes
 * or in backquotes may go over several lines; between double quotes, `\n`, `\r` and `\"` are a line break, a carriage
 * return and a quote. A `#` begins a comment at the beginning of a line, and behind a blank. The last of several lines
 * with the same name counts. A line that is none of this is a problem, and the lines behind it are read.
 */
export function parseEnvFile(text: string): EnvFile {
  const lines = text.split(/\r\n|\n|\r/u);
  const found = new Map<string, { readonly text: string; readonly line: number }>();
  const problems: EnvFileProblem[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = at + 1;
    const first = lines[at]!;
    const tell = (what: string) => problems.push({ line, what, maySecure: secretWords.test(first) });
    if (skipped.test(first)) {
      at += 1;
      continue;
    }
    const [, name = "", written] = assignment.exec(first) ?? [];
    const value = written === undefined ? "it is no NAME=value" : readValue(written, lines.slice(at + 1));
    if (typeof value === "string") {
      tell(value);
      at += 1;
      continue;
    }
    const { text, more } = value;
    // Bytes that are not UTF-8 are decoded as this character.
    if (text.includes("\ufffd")) tell("it is not in UTF-8");
    const [unseen] = invisible.exec(text) ?? [];
    if (unseen !== undefined) tell(`it holds an invisible character, ${codePoint(unseen)}`);
    const before = found.get(name);
    if (before !== undefined && before.text !== text) {
      problems.push({
        line,
        what: `it counts, and not line ${before.line}, which sets the same`,
        maySecure: false,
      });
    }
    found.set(name, { text, line });
    at += 1 + more;
  }
  const variables = Object.fromEntries([...found].map(([name, { text }]) => [name, text]));
  return { variables, problems };
}

function codePoint(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}

interface Value {
  readonly text: string;
  /** The number of lines beyond the first. */
  readonly more: number;
}

/** Returns the value, or a text that says what is wrong with it. */
function readValue(written: string, following: readonly string[]): Value | string {
  const quoted = written.trimStart();
  const quote = quotes.find((quote) => quoted.startsWith(quote));
  if (quote === undefined) {
    if (typographic.test(quoted)) return "its quotes are typographic ones, and not ' or \"";
    return { text: written.replace(/\s#.*$/su, "").trim(), more: 0 };
  }
  const inside = quoted.slice(1);
  const end = closing(inside, quote);
  if (end !== null) return { text: unescaped(inside.slice(0, end), quote), more: 0 };
  if (quotesIn(inside, quote).length > 0) return "there is text behind its closing quote";
  const more = following.findIndex((line) => closing(line, quote) !== null) + 1;
  const lines = following.slice(0, more);
  if (more === 0 || lines.some((line) => looksLikeVariable.test(line))) {
    return "its quote is not closed before the next variable";
  }
  const last = lines.pop()!;
  const text = [inside, ...lines, last.slice(0, closing(last, quote)!)].join("\n");
  return { text: unescaped(text, quote), more };
}

/**
 * Returns the place of the quote that only blanks and a comment follow: one within a word, as in 'O'Brien', is a letter.
 */
function closing(line: string, quote: string): number | null {
  return quotesIn(line, quote).find((at) => skipped.test(line.slice(at + 1))) ?? null;
}

/** Returns the places of the quotes that are not escaped: between double quotes a backslash escapes one. */
function quotesIn(line: string, quote: string): number[] {
  const pattern = quote === '"' ? /\\.|(")/gsu : new RegExp(`(${quote})`, "gu");
  return [...line.matchAll(pattern)].filter(([, found]) => found !== undefined).map(({ index }) => index);
}

function unescaped(text: string, quote: string): string {
  if (quote !== '"') return text;
  return text.replaceAll('\\"', '"').replaceAll("\\n", "\n").replaceAll("\\r", "\r");
}
