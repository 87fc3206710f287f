import test from "ava";
import type { OptionTable } from "../../../src/runner/options/option-table.ts";
import * as tables from "../../../src/runner/options/options.ts";
import { readSettings } from "../../../src/runner/options/settings.ts";
import { bin, Child } from "../../fixtures/runner/child.ts";

const none = { find: () => undefined, names: () => [], warnings: [] };
const { variablesOnly: _, ...optionTables } = tables;
const options: OptionTable = Object.assign({}, ...Object.values(optionTables));

function read(name: string, text: string): unknown {
  const flags = new Map([[name, text]]);
  return readSettings({ all: { [name]: options[name]! } }, flags, none).all[name];
}

const levels = Object.keys(options).filter((name) => /loglevel$/i.test(name));

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
