import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { defaultBroadcast } from "../../src/agent/call/call-events.ts";
import { defaultFallbackOptions } from "../../src/agent/fallback/rotation.ts";
import { defaultBargeIn } from "../../src/agent/hearing/barge-in.ts";
import { defaultBudget } from "../../src/agent/options/budget.ts";
import { defaultAgentLimits } from "../../src/agent/options/limits.ts";

const defaults: Readonly<Record<string, object>> = {
  "options/limits.ts": defaultAgentLimits,
  "options/budget.ts": defaultBudget,
  "hearing/barge-in.ts": defaultBargeIn,
  "call/call-events.ts": defaultBroadcast,
  "fallback/rotation.ts": defaultFallbackOptions,
};

for (const [path, values] of Object.entries(defaults)) {
  test(`the comments in ${path} tell the defaults that hold`, (t) => {
    const source = readFileSync(join(import.meta.dirname, "../../src/agent", path), "utf8");
    const told = source.matchAll(/@default ([\w.]+).*\n +\*\/\n +readonly (\w+)\??:/g);
    const texts = new Map([...told].map(([, text, name]) => [name, text]));
    for (const [name, value] of Object.entries(values)) t.is(texts.get(name), String(value), name);
  });
}
