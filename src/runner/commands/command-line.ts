import { Command, CommanderError, Option } from "commander";
import {
  flagOf,
  helpOf,
  type OutsideOption,
  optionsOf,
  outsideDefault,
  variableOf,
} from "../../options/outside.ts";
import { variables } from "../../options/runner.ts";
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
  /** The fault of the command line, for the person who started the program. */
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
  for (const [name, description] of commands) {
    const command = root.command(name).description(description);
    for (const [heading, options] of helpOf(name)) {
      command.optionsGroup(`${heading}:`);
      for (const option of options) command.addOption(toFlag(option));
    }
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
    const file = argv.find((word) => /\.[cm]?[jt]s$/.test(word));
    const isStray = /^commander\.(excessArguments|unknownCommand)$/.test(error.code);
    if (isStray && file !== undefined) wrong = strayFile(file, argv[0]);
    return {
      command: null,
      exitCode: asked ? 0 : 2,
      complaint: asked || wrong === "" ? null : wrong.trimEnd(),
    };
  }
  return parsed;
}

const commands = [
  ["serve", "Start the server: sessions over REST."],
  ["run", "Talk with the agent in this terminal."],
] as const;

/** The variables without a flag, with their contents, by name. */
const withoutFlag: readonly (readonly [name: string, help: string])[] = [
  ...Object.entries(variables).map(([name, { help }]) => [name, help] as const),
  ...optionsOf("serve").flatMap(({ name, outside }) =>
    outside.secret ? [[variableOf(name), outside.help] as const] : [],
  ),
];
const nameWidth = Math.max(...withoutFlag.map(([name]) => name.length));
const secrets = `
Variables without a flag:
${withoutFlag.map(([name, help]) => `  ${name.padEnd(nameWidth)}  ${help}`).join("\n")}`;

const precedence =
  "\nEach option can also be set as a variable, in the environment or in the file .env: --max-sessions-per-call is " +
  "GREENROOM_MAX_SESSIONS_PER_CALL. A flag counts more than a variable, that more than .env, and that more than " +
  "what the agent's code passes.";

/** Tells how an agent of one's own is started, where its file was given to this program. */
const strayFile = (file: string, command: string | undefined): string =>
  `${file}: this program runs its own agent alone. Yours starts from its file: ` +
  `npx -c 'exec node ${file} ${command === "run" ? "run" : "serve"}'`;

/** Returns a complaint of commander in the form of all others. */
function complaint(text: string): string {
  return text
    .replace(/^error: option '(--[\w-]+) <(.+)>' argument missing/, "error: $1: <$2> is missing")
    .replace(/^error: /, "");
}

function toFlag(option: OutsideOption): Option {
  const { name, outside } = option;
  const flags = outside.placeholder ? `${flagOf(name)} <${outside.placeholder}>` : flagOf(name);
  const text = outsideDefault(option);
  return new Option(flags, `${outside.help}${text === null ? "" : ` (default: ${text})`}`);
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
