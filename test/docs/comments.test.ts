import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { root } from "../../scripts/docs.ts";

interface Comment {
  readonly place: string;
  readonly isDoc: boolean;
  /** The text in one line. */
  readonly text: string;
  /** The line of code below it. */
  readonly below: string;
}

const commentLine = /^\s*(?:\/\*\*|\/\/|\*\/?(?=\s|$))/;

/** Returns the comments of a file that have lines of their own. */
function commentsOf(path: string): Comment[] {
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  const comments: Comment[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (!/^\s*(?:\/\*\*|\/\/)/.test(lines[at]!)) continue;
    const first = at;
    const isDoc = lines[at]!.trim().startsWith("/**");
    const goesOn = () => (isDoc ? !lines[at]!.includes("*/") : /^\s*\/\//.test(lines[at + 1] ?? ""));
    while (goesOn()) at += 1;
    const text = lines
      .slice(first, at + 1)
      .map((line) => line.replace(commentLine, "").replace("*/", "").trim())
      .join(" ");
    comments.push({
      place: `${path}:${first + 1}`,
      isDoc,
      text: text.trim(),
      below: lines[at + 1]?.trim() ?? "",
    });
  }
  return comments;
}

const commentsIn = (folders: string): Comment[] =>
  globSync(`${folders}/**/*.{ts,cts,js}`, { cwd: root }).sort().flatMap(commentsOf);

test("no sentence of a comment begins with a relative clause: its subject has a name", (t) => {
  const comments = commentsIn("{src,workers,scripts,examples}");
  t.true(comments.length > 3_000);
  for (const { place, text } of comments) {
    const [sentence] =
      /(?:^|[.!?:] )(?:What|Whatever|Who|Whoever|Whom|Whose|Which|How|Whether|Why)\b[^.]*/.exec(text) ?? [];
    t.is(sentence, undefined, place);
  }
});

test("the doc comment of a function begins with a verb: Returns, Resolves with, Ends …", (t) => {
  const isFunction =
    /^(?:export )?(?:default )?(?:async )?function\b|^(?:static |async |get |set |\*)*(?!if|for|while|switch|return)#?\w+(?:<[^>]*>)?\(.*[{(]$|^(?:export )?const \w+ = (?:async )?\([^=]*\)(?:: [^=]+)? =>/;
  const comments = commentsIn("{src,workers,scripts}").filter(
    ({ isDoc, below }) => isDoc && isFunction.test(below),
  );
  t.true(comments.length > 500);
  for (const { place, text } of comments)
    t.regex(text, /^(?:@param|(?!(?:This|Its|As|Is)\b)[A-Z][a-z-]*s\b)/, place);
});
