import test from "ava";
import { allOutsideOptions } from "../../../src/options/outside.ts";
import { readSettings } from "../../../src/runner/options/settings.ts";
import { bin, Child } from "../../fixtures/runner/child.ts";

const none = { find: () => undefined, names: () => [], warnings: [] };
const options = allOutsideOptions();

function read(name: string, text: string): unknown {
  const { key, row } = options.find((option) => option.name === name)!;
  const { all } = readSettings({ all: { [key]: row } }, new Map([[name, text]]), none);
  return (all as Readonly<Record<string, unknown>>)[key];
}

const levels = options.map(({ name }) => name).filter((name) => /loglevel$/i.test(name));

test("every level of logs takes the words of Vision Agents and of Python, in any case", (t) => {
  t.deepEqual(levels.toSorted(), ["agentsLogLevel", "httpLogLevel", "logLevel"]);
  for (const name of levels) {
    for (const [text, level] of [
      ["DEBUG", "debug"],
      ["INFO", "info"],
      ["info", "info"],
      ["Info", "info"],
      ["WARNING", "warn"],
      ["warning", "warn"],
      ["WARN", "warn"],
      ["ERROR", "error"],
      ["CRITICAL", "fatal"],
      [" silent ", "silent"],
    ] as const) {
      t.is(read(name, text), level, `${name} ${text}`);
    }
    t.throws(() => read(name, "LOUD"), { message: /must be one of trace, debug.*, not "LOUD"/ });
    t.throws(() => read(name, "constructor"), { message: /must be one of/ });
  }
});

test("choices and switches are read in any case", (t) => {
  t.is(read("registryWhileAway", "Refuse"), "refuse");
  for (const [text, value] of [
    ["True", true],
    ["ON", true],
    ["False", false],
    ["No", false],
  ] as const) {
    t.is(read("logTranscripts", text), value);
  }
  t.is(read("maxSessionsPerCall", "None"), null);
});

test("a server starts with the levels that Vision Agents' commands have", async (t) => {
  const levels = ["--log-level", "INFO", "--agents-log-level", "WARNING", "--http-log-level", "CRITICAL"];
  const child = new Child(t, [bin, "serve", "--port", "0", ...levels]);
  t.regex(await child.readyUrl(), /^http:/);
});
