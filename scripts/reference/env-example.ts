import type { HelpGroup } from "../../src/options/option.ts";
import { defaultOf } from "../../src/options/option.ts";
import {
  allOutsideOptions,
  type OutsideOption,
  outsideDefault,
  variableOf,
} from "../../src/options/outside.ts";
import { variables } from "../../src/options/runner.ts";
import { type ProviderRow, providers } from "../../src/shared/providers/provider-table.ts";
import { choiceVariables } from "../../src/shared/providers/service-choice.ts";
import { wrapped } from "./wrapped.ts";

const head = `# Made by \`npm run docs\` from the tables of src/options/ and of src/shared/providers/provider-table.ts: change it there.
#
# Copy this file to .env: \`greenroom serve\`, \`greenroom run\` and \`node agent.ts\` read it from the folder they are
# started in. A flag of the command line counts more than a variable of the environment, and that more than this file.
# Every flag of \`greenroom serve --help\` has a variable: --max-sessions-per-call is GREENROOM_MAX_SESSIONS_PER_CALL.
# Variables that begin with GREENROOM_, and REDIS_URL, stay with the server, but for GREENROOM_LLM, _STT and _TTS; all others
# are there for your agents too.`;

const headings: readonly (readonly [group: HelpGroup, heading: string])[] = [
  ["Server", "The server"],
  ["Limits", "Limits"],
  ["Reports", "Reports: logs, and who is told of ended sessions"],
  ["Fleet", "Several replicas"],
  ["Common", "Both commands"],
];

const choices = Object.values(choiceVariables);

/** Returns the text of `.env.example`. */
export function envExample(): string {
  const options = allOutsideOptions();
  return [
    head,
    section("Who may call, and secrets"),
    ...Object.entries(variables)
      .filter(([name]) => !choices.some((choice) => choice.name === name))
      .map(([name, { help, example }]) => entry(name, help, example)),
    ...headings.flatMap(([group, heading]) => [
      section(heading),
      ...options.filter(({ outside }) => outside.group === group).map(optionEntry),
    ]),
    section("Providers: what the built-in agent uses, and your own agents find too"),
    ...choices.map(({ name, help, example }) => entry(name, help, example)),
    ...Object.values<ProviderRow>(providers).flatMap((provider) =>
      Object.values(provider.variables).map(({ name, help, example }) => entry(name, help, example)),
    ),
    "",
  ].join("\n");
}

const section = (heading: string): string => `\n# --- ${heading} ---\n`;

function optionEntry(option: OutsideOption): string {
  const { name, row, outside } = option;
  const text = outsideDefault(option);
  const help = text === null ? outside.help : `${outside.help}. Default: ${text}`;
  const [variable = variableOf(name)] = outside.alsoReads?.filter((other) => other.endsWith("_URL")) ?? [];
  return entry(variable, help, outside.example ?? exampleOf(row));
}

function exampleOf(row: OutsideOption["row"]): string {
  const value = defaultOf(row);
  return typeof value === "boolean" ? String(!value) : String(value ?? "");
}

function entry(name: string, help: string, example: string): string {
  const lines = wrapped(/[.…]$/.test(help) ? help : `${help}.`, 117).map((line) => `# ${line}\n`);
  return `${lines.join("")}#${name}=${example}`;
}
