import { before, untilBalanced, untilMatch } from "./scan.ts";
import { identifier, type SpanRule, wordStart } from "./span-rewriter.ts";

/** The longest first line of a block of code, and the longest code within a line, in UTF-16 units. */
const longestLine = 600;
const lineStart = /(?<=^|[\n\u2028\u2029])[ \t]{0,20}$/;

/** Blocks of code are left out. One that opens and ends in its own line is code within words. */
const fence: SpanRule = {
  start: "`|~~~|~{1,2}$",
  match(text, at, { final, rewrite }) {
    const mark = text[at]!;
    const marks = /^(?:`+|~+)/.exec(text.slice(at, at + 20))?.[0].length ?? 0;
    if (marks > 0 && at + marks === text.length && !final) return "more";
    if (marks < 3) return null;
    const begin = at + marks;
    const closed = before(text, begin, mark.repeat(3), { longest: longestLine, without: /[\n\u2028\u2029]/ });
    if (closed === "more" && !final) return "more";
    if (typeof closed === "number") {
      const content = text.slice(begin, closed);
      const after = /^(?:`+|~+)/.exec(text.slice(closed))![0].length;
      if (closed + after === text.length && !final) return "more";
      return { length: closed + after - at, put: toolCode.test(content) ? "" : rewrite(content) };
    }
    if (closed === "more") {
      // The text ends in the line: what was to be a block has a language alone.
      const rest = text.slice(begin);
      return /^\s*\w*\s*$/.test(rest) || lineStart.test(text.slice(Math.max(0, at - 64), at))
        ? { length: text.length - at, put: "" }
        : { length: marks, put: "" };
    }
    if (!/^[^\n\u2028\u2029]{0,600}[\n\u2028\u2029]/.test(text.slice(begin))) return null;
    return { length: marks, block: untilMatch(mark === "`" ? afterBackticks : afterTildes, 64) };
  },
};

/** A block of code ends with a line of its marks alone. */
const afterBackticks = /\n[ \t]{0,20}`{3,20}[ \t\r]{0,20}(?=\n)/;
const afterTildes = /\n[ \t]{0,20}~{3,20}[ \t\r]{0,20}(?=\n)/;

const toolCode = /default_api|tool_code|tool_call/;

/** Code within a line is a name to be said: nothing in it is looked at, but a call that the model wrote for its tools. */
const inlineCode: SpanRule = {
  start: "`",
  match(text, at, { final }) {
    if (text[at] !== "`" || text.startsWith("``", at)) return null;
    if (at + 1 === text.length && !final) return "more";
    const end = before(text, at + 1, "`", { longest: 200, without: /[\n\u2028\u2029]/ });
    if (end === "more" && !final) return "more";
    if (typeof end !== "number") return null;
    const content = text.slice(at + 1, end);
    return { length: end + 1 - at, put: toolCode.test(content) ? "" : content };
  },
};

/** JSON, and what looks like it: an object that has a quoted key. */
const json: SpanRule = {
  start: "[{[]",
  match(text, at, { final }) {
    const seen = text.slice(at, at + 200);
    const array = /^\[\s{0,40}/.exec(seen)?.[0] ?? "";
    const object = seen.slice(array.length);
    if (object === "" && array !== "") return final ? null : "more";
    const open = /^\{\s{0,40}/.exec(object)?.[0];
    if (open === undefined) return null;
    const key = object.slice(open.length);
    const whole = /^(?:"[^"\n]{0,80}"|'[^'\n]{0,80}')\s{0,20}:/.test(key);
    if (whole) return { length: array.length + 1, block: untilBalanced(array === "" ? 1 : 2) };
    const begun = /^(?:(?:"[^"\n]{0,80}|'[^'\n]{0,80}|(?:"[^"\n]{0,80}"|'[^'\n]{0,80}')\s{0,20})?)$/.test(
      key,
    );
    return begun && !final ? "more" : null;
  },
};
const call = new RegExp(`^${identifier}\\(`);
/**
 * The beginning of the text between the brackets of a call, which hardly stands in a sentence: nothing, a name with `=`, a
 * quote, another call.
 */
const argumentsBegin = /^\s{0,20}(?:\)|["'{[]|[A-Za-z_]\w{0,40}\s{0,5}=(?=[^=])|\w[\w.]{0,60}\()/;
const argumentsMay = /^\s{0,20}(?:[A-Za-z_]\w{0,40}\s{0,5}=?|\w[\w.]{0,60})?$/;

/** A call of a function that the model wrote down instead of making it: `print(default_api.get_weather(city="Oslo"))`. */
const writtenCall: SpanRule = {
  start: `${wordStart}(?:${identifier}\\(|(?:call:)?default_api[.:])`,
  match(text, at, { final }) {
    const seen = text.slice(at, at + 400);
    const named = /^(?:call:)?default_api[.:][\w.]{0,80}/.exec(seen)?.[0];
    if (named !== undefined) {
      if (named.length === seen.length) return final ? { length: named.length, put: "" } : "more";
      return /[({]/.test(seen[named.length]!)
        ? { length: named.length + 1, block: untilBalanced(1) }
        : { length: named.length, put: "" };
    }
    const name = call.exec(seen)?.[0];
    if (name === undefined) return null;
    const isPrint = name === "print(";
    if (!isPrint && !/[_.]/.test(name)) return null;
    const rest = seen.slice(name.length);
    if (argumentsBegin.test(rest)) return { length: name.length, block: untilBalanced(1) };
    return argumentsMay.test(rest) && !final ? "more" : null;
  },
};

/** A line of its own that announces code for a tool, or what came of it. */
const toolLine: SpanRule = {
  start: `${wordStart}(?:tool_(?:code|calls?|outputs?|response)|call:)(?![\\w(.])`,
  match(text, at, { final }) {
    const word = /^tool_(?:code|calls?|outputs?|response)/.exec(text.slice(at, at + 20))?.[0];
    if (word === undefined) {
      return text.startsWith("call:", at) && "call:default_api:".startsWith(text.slice(at)) && !final
        ? "more"
        : null;
    }
    if (!lineStart.test(text.slice(Math.max(0, at - 64), at))) return null;
    const rest = text.slice(at + word.length, at + word.length + 24);
    const gap = /^[ \t:]{0,20}/.exec(rest)![0];
    if (gap.length === rest.length) return final ? { length: word.length, put: "" } : "more";
    return /[\n\u2028\u2029]/.test(rest[gap.length]!) ? { length: word.length + gap.length, put: "" } : null;
  },
};

export const codeRules: readonly SpanRule[] = [fence, inlineCode, json, writtenCall, toolLine];
