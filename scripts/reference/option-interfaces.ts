import { httpTable } from "../../src/options/http.ts";
import { timeoutsTable } from "../../src/options/http-limits.ts";
import { launcherTable, webhookTable } from "../../src/options/launcher.ts";
import { redisTable } from "../../src/options/launcher-fleet.ts";
import { defaultText, isOptional, type OptionRow, type OptionTable } from "../../src/options/option.ts";
import { consoleTable, drainTable } from "../../src/options/runner.ts";
import { typeOf } from "../../src/options/text-values.ts";
import { wrapped } from "./wrapped.ts";

/** An interface of options, as users see it. */
export interface OptionInterface {
  readonly name: string;
  readonly doc: string;
  readonly extends?: string;
  readonly table: OptionTable;
}

/** Each table that users of the package fill, and its interface. */
export const optionInterfaces: readonly OptionInterface[] = [
  {
    name: "AgentLauncherOptions",
    doc: "The options of `AgentLauncher`: how agents are started, limited and ended. All times are in milliseconds.",
    table: launcherTable,
  },
  {
    name: "WebhookOptions",
    doc: "The options of a webhook, which is told of ended sessions, and of events of those that run.",
    table: webhookTable,
  },
  {
    name: "RedisRegistryOptions",
    doc: "A Redis (6 or later) that the processes of a fleet share. All times are in milliseconds.",
    table: redisTable,
  },
  {
    name: "ServeOptions",
    doc: "The options of how the server speaks HTTP, and who may do what. Times are in milliseconds, limits per caller and process.",
    table: httpTable,
  },
  {
    name: "ServerTimeouts",
    doc: "The longest times that a client may take. Clients that are slower are cut off.",
    table: timeoutsTable,
  },
  {
    name: "RunnerOptions",
    doc: "The options of `Runner`: how the server serves, and how it shuts down. All times are in milliseconds.",
    extends: "ServeOptions",
    table: drainTable,
  },
  { name: "ConsoleOptions", doc: "The options of a conversation in the terminal.", table: consoleTable },
];

const head = "/* Made by `npm run docs` from the tables of `src/options/`: change it there. */\n";

/** The names that the types of options use, by the module that has them, as `src/api/` imports it. */
const sources: readonly (readonly [module: string, ...names: string[]])[] = [
  ["koa", "Koa"],
  ["pino", "Logger"],
  ["../registry/redis/connection/client.ts", "RedisClient"],
  ["../registry/registry.ts", "SessionRegistry"],
  ["../shared/protocol.ts", "LogFormat", "LogLevel"],
  ["../shared/session/webhook-events.ts", "WebhookEvent"],
  ["./registry-options.ts", "RedisRegistryOptions"],
  ["./provider-route.ts", "ProviderRoute"],
  ["./scope.ts", "Dependency", "Permission"],
  ["./serve-options.ts", "ServeOptions"],
  ["./session-summary.ts", "SessionSummary"],
  ["./webhook-options.ts", "WebhookOptions"],
];

/** Returns the text of a file of `src/api/`, which holds these interfaces. */
export function interfacesText(names: readonly string[]): string {
  const interfaces = optionInterfaces
    .filter(({ name }) => names.includes(name))
    .map((one) => {
      const members = Object.entries(one.table).map(([name, row]) => member(name, row));
      const base = one.extends === undefined ? "" : ` extends ${one.extends}`;
      return `${comment(one.doc, "")}export interface ${one.name}${base} {\n${members.join("")}}\n`;
    });
  const body = interfaces.join("\n");
  const code = body.replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
  const imports = sources.flatMap(([module, ...all]) => {
    const used = all.filter((name) => !names.includes(name) && new RegExp(`\\b${name}\\b`).test(code));
    if (used.length === 0) return [];
    const what = module === "koa" ? used[0] : `{ ${used.join(", ")} }`;
    return [`import type ${what} from "${module}";\n`];
  });
  return [head, ...(imports.length > 0 ? [imports.join("")] : []), body].join("\n");
}

function member(name: string, row: OptionRow): string {
  const type = row.type ?? typeOf(row.schema);
  if (type === null) throw new Error(`${name}: its row has to say its type`);
  const text = defaultText(row);
  const doc = text === null ? row.doc : `${row.doc}\n@default ${text}`;
  return `${comment(doc, "  ")}  readonly ${name}${isOptional(row) ? "?" : ""}: ${type};\n`;
}

function comment(text: string, indent: string): string {
  const lines = text.split("\n").flatMap((paragraph) => wrapped(paragraph, 107 - indent.length));
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}
