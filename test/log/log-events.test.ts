import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { logEvents } from "../../src/log/log-events.ts";
import { bin, Child } from "../fixtures/runner/child.ts";

const root = join(import.meta.dirname, "../..");
const files = globSync("src/**/*.ts", { cwd: root }).filter((path) => path !== "src/log/log-events.ts");
const texts = files.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

test("each line that the code logs says its event, which is one of the table", (t) => {
  const named = new Set<string>();
  for (const { path, text } of texts) {
    for (const [, event = ""] of text.matchAll(/\bevent: (?:\w+ === "\w+" \? )?"(\w+)"/g)) {
      if (event in logEvents) named.add(event);
    }
    for (const [call] of text.matchAll(/\b(?:log|#log)\??\.(?:debug|info|warn|error|fatal)\(\s*["'`]/g)) {
      t.fail(`${path}: ${call} has no event`);
    }
  }
  const all = texts.map(({ text }) => text).join("\n");
  for (const event of Object.keys(logEvents))
    t.true(all.includes(`"${event}"`), `${event} is logged nowhere`);
  t.true(named.size > 50);
});

test("no page and no alert quotes the words of a log line: they name its event, which is there", (t) => {
  const messages = texts.flatMap(({ text }) =>
    [...text.matchAll(/\bevent: "\w+"[^;]*?\},\s*"([^"]{12,})"/g)].map(([, message = ""]) => message),
  );
  t.true(messages.length > 50);
  const rules = "k8s/components/prometheus-rule/rules.yaml";
  const pages = globSync("{README.md,docs/*.md}", { cwd: root }).filter(
    (path) => !path.endsWith("log-events.md"),
  );
  for (const page of [...pages, rules]) {
    const text = readFileSync(join(root, page), "utf8");
    for (const message of messages) t.false(text.includes(message), `${page} quotes "${message}"`);
    for (const [, event = ""] of text.matchAll(/\bevent(?:=|` `)([a-z_]+)/g))
      t.true(event in logEvents, `${page} names ${event}`);
  }
  t.true(readFileSync(join(root, rules), "utf8").includes("event="));
});

test("levels are words where that is asked for, those of the session threads too", async (t) => {
  const child = new Child(t, [bin, "serve", "--port", "0", "--log-levels", "words"]);
  await child.readyUrl();
  for (const line of child.log) {
    t.is(typeof line.level, "string", JSON.stringify(line));
    t.true(String(line.event) in logEvents, JSON.stringify(line));
  }
});
