import { Command, CommanderError, Option } from "commander";
import { flagOf, type OptionTable, type OutsideOption } from "../options/option-table.ts";
import * as options from "../options/options.ts";
import type { Flags } from "../options/settings.ts";
import { wrap } from "../terminal/text-width.ts";

export interface CommandLine {
  readonly command: "run" | "serve";
  readonly flags: Flags;
}

/** The result where there is no command: help or the version was printed, or the command line was wrong. */
export interface NoCommand {
  readonly command: null;
  readonly exitCode: number;
  /** The fault of the command line, for whoever started the program. */
  readonly complaint: string | null;
}

/** Reads the words after the program's name. Values are read elsewhere, together with the environment. */
export function parseCommandLine(
  argv: readonly string[],
  program: string,
  version: string,
): CommandLine | NoCommand {
  let wrong = "";
  let parsed: CommandLine | NoCommand = { command: null, exitCode: 2, complaint: null };
  const root = new Command(program)
    .description("Puts AI voice agents into calls, each in a thread of its own.")
    .version(version, "--version", "Print the version")
    .helpOption("--help", "Print this help")
    .helpCommand(false)
    .configureOutput({
      outputError: (text) => {
        wrong += complaint(text);
      },
    })
    .exitOverride();
  for (const [name, description, groups] of commands) {
    const command = root.command(name).description(description);
    for (const [heading, table] of groups) addOptions(command, heading, table);
    command.addHelpText("after", ({ error }) => {
      const { columns = 80 } = error ? process.stderr : process.stdout;
      return wrap(name === "serve" ? `${secrets}\n${precedence}` : precedence, columns || 80).join("\n");
    });
    command.action(() => {
      parsed = { command: name, flags: givenFlags(command) };
    });
  }
  try {
    root.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const asked = error.exitCode === 0;
    return {
      command: null,
      exitCode: asked ? 0 : 2,
      complaint: asked || wrong === "" ? null : wrong.trimEnd(),
    };
  }
  return parsed;
}

type Group = readonly [heading: string, table: OptionTable];

const commands: readonly (readonly ["run" | "serve", string, readonly Group[]])[] = [
  [
    "serve",
    "Start the server: sessions over REST.",
    [
      ["Server:", { ...options.serveOptions, ...options.commonOptions }],
      ["Reports:", { ...options.launcherReports, ...options.webhookOptions }],
      ["Limits:", options.launcherLimits],
      ["Fleet:", options.fleetOptions],
    ],
  ],
  [
    "run",
    "Talk with the agent in this terminal.",
    [
      ["Conversation:", { ...options.consoleOptions, ...options.commonOptions }],
      ["Limits:", { providerConcurrency: options.launcherLimits.providerConcurrency }],
    ],
  ],
];

const nameWidth = Math.max(...Object.keys(options.variablesOnly).map(({ length }) => length));
const secrets = `
Variables without a flag:
${Object.entries(options.variablesOnly)
  .map(([name, what]) => `  ${name.padEnd(nameWidth)}  ${what}`)
  .join("\n")}`;

const precedence =
  "\nEach option can also be set as a variable, in the environment or in the file .env: --max-sessions-per-call is " +
  "GREENROOM_MAX_SESSIONS_PER_CALL. A flag counts more than a variable, that more than .env, and that more than " +
  "what the agent's code passes.";

/** Puts a complaint of commander into the form of all others. */
function complaint(text: string): string {
  return text
    .replace(/^error: option '(--[\w-]+) <(.+)>' argument missing/, "error: $1: <$2> is missing")
    .replace(/^error: /, "");
}

function addOptions(command: Command, heading: string, table: OptionTable): void {
  command.optionsGroup(heading);
  for (const [name, option] of Object.entries(table)) {
    if (!option.secret) command.addOption(toFlag(name, option));
  }
}

function toFlag(name: string, option: OutsideOption): Option {
  const flags = option.placeholder ? `${flagOf(name)} <${option.placeholder}>` : flagOf(name);
  const note = option.default === undefined ? "" : ` (default: ${option.default})`;
  return new Option(flags, `${option.description}${note}`);
}

function givenFlags(command: Command): Flags {
  const given = new Map<string, string>();
  for (const option of command.options) {
    const name = option.long?.slice(2).replaceAll(/-./g, (dash) => dash.slice(1).toUpperCase());
    if (!name || command.getOptionValueSource(option.attributeName()) !== "cli") continue;
    const value: unknown = command.getOptionValue(option.attributeName());
    // A switch is given or not; commander stores --no-x as x = false.
    given.set(name, typeof value === "string" ? value : "true");
  }
  return given;
}
