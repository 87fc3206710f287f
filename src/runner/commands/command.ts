import { basename } from "node:path";
import type { AgentLauncher } from "../../api/agent-launcher.ts";
import type { RunnerOptions } from "../../api/runner-options.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { serviceChoice } from "../../shared/providers/service-choice.ts";
import { version } from "../../shared/version.ts";
import { loadEnvironment } from "../options/environment.ts";
import { warningsOf } from "../options/unknown-variables.ts";
import { boundStandardStreams } from "../server/standard-streams.ts";
import { paintFor } from "../terminal/paint.ts";
import { parseCommandLine } from "./command-line.ts";
import { errorLines } from "./error-lines.ts";
import { errorSentence, stackOf } from "./error-sentence.ts";
import { tellFatal } from "./fatal.ts";
import { flagsOfNpm } from "./npm-flags.ts";
import { UsageError } from "./usage-error.ts";

/** Runs the command of the command line. Resolves with the exit code. */
export async function runCommandLine(
  argv: readonly string[],
  launcher: AgentLauncher,
  options: RunnerOptions,
): Promise<number> {
  boundStandardStreams();
  const line = parseCommandLine(argv, programName(), version);
  if (line.command === null) {
    if (line.complaint !== null) {
      const complaint = [line.complaint, flagsOfNpm()].filter((text) => text !== null).join("\n");
      await tellFatal(complaint, { launcher, serves: argv[0] === "serve" });
    }
    return line.exitCode;
  }
  try {
    const environment = loadEnvironment();
    checkServiceChoices();
    if (line.command === "run") {
      for (const warning of warningsOf(environment)) {
        process.stderr.write(`${paintFor(process.stderr).yellow("greenroom:")} ${warning}\n`);
      }
      const { runCommand } = await import("./run-command.ts");
      return await runCommand(line.flags, environment, launcher);
    }
    const { serveCommand } = await import("./serve-command.ts");
    return await serveCommand(line.flags, environment, launcher, options);
  } catch (error) {
    const debug = line.flags.has("debug") && error instanceof Error;
    const text = debug ? (error.stack ?? error.message) : errorSentence(error);
    await tellFatal(text, {
      launcher,
      serves: line.command === "serve",
      // A wrong command line needs no stack.
      ...(isUsage(error) ? {} : { error, below: debug ? [] : errorLines(stackOf(error)) }),
    });
    return isUsage(error) ? 2 : 1;
  }
}

/** Returns the program's name as it was called, for the help. */
function programName(): string {
  const file = basename(process.argv[1] ?? "greenroom");
  return /^(bin\.[jt]s|greenroom)$/.test(file) ? "greenroom" : `node ${file}`;
}

/** Throws a `UsageError` for each choice of a service that cannot be: no session could begin with it. */
function checkServiceChoices(): void {
  const complaints = (["llm", "stt", "tts"] as const).flatMap((part) => {
    try {
      serviceChoice(part);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  if (complaints.length > 0) throw new UsageError(complaints.join("\n"));
}

function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (GreenroomError.is(error) && error.code === "INVALID_OPTIONS");
}
