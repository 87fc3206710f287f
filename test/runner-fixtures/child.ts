import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { AgentLauncherOptions, RunnerOptions } from "greenroom";

const root = join(import.meta.dirname, "../..");
/** The command `greenroom`. */
export const bin = join(root, "src/runner/bin.ts");
/** A program that serves an agent, with the options of TEST_OPTIONS; see {@link program}. */
export const agentProgram = join(import.meta.dirname, "agent-program.ts");

/** The options that `agent-program.ts` passes to `AgentLauncher` and to `Runner`. */
export interface ProgramOptions {
  readonly launcher?: Partial<AgentLauncherOptions>;
  readonly runner?: RunnerOptions;
}

/** Starts a user's program, whose agent does what the `config` of a session says. */
export function program(
  t: ExecutionContext,
  args: readonly string[],
  { launcher, runner, ...options }: ProgramOptions & ChildOptions = {},
): Child {
  const env = { TEST_OPTIONS: JSON.stringify({ launcher, runner }), ...options.env };
  return new Child(t, [agentProgram, ...args], { ...options, env });
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the file `.env` in the folder that it is started in. */
  readonly dotEnv?: string;
  readonly cwd?: string;
  /** The program that is run; Node by default. */
  readonly command?: string;
  /** Run it in a terminal of its own, which `script` of util-linux makes. */
  readonly terminal?: boolean;
}

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A process of the test's own. It is ended with the test, whatever became of it. */
export class Child {
  readonly process: ChildProcess;
  /** Resolves when it has ended and all its output was read. */
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stdout = "";
  stderr = "";
  #ended = false;
  /** True where it may start others, which are in its group and end with the test too. */
  readonly #leads: boolean;
  readonly #changed = new Set<() => void>();

  constructor(t: Pick<ExecutionContext, "teardown">, args: readonly string[], options: ChildOptions = {}) {
    const cwd = options.cwd ?? temporaryFolder(t);
    this.#leads = options.command !== undefined;
    if (options.dotEnv !== undefined) writeFileSync(join(cwd, ".env"), options.dotEnv);
    const [command, words] = options.terminal
      ? terminalOf(args)
      : [options.command ?? process.execPath, args];
    this.process = spawn(command, words, {
      cwd,
      env: { ...cleanEnvironment(), TERM: "xterm", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: this.#leads,
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#tell();
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    // Whoever writes to a process that has gone learns that from its exit.
    this.process.stdin?.on("error", () => undefined);
    this.exit = new Promise((resolve) => {
      this.process.once("close", (code, signal) => {
        this.#ended = true;
        resolve({ code, signal });
        this.#tell();
      });
    });
    t.teardown(async () => {
      this.#endWithGroup();
      await this.exit;
    });
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  end(text = ""): void {
    this.process.stdin?.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  get log(): LogLine[] {
    // What comes after the last line end is no whole line yet.
    return this.stdout
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));
  }

  /** The first log line whose message matches. */
  async logged(message: RegExp): Promise<LogLine> {
    const find = () => this.log.find(({ msg }) => message.test(msg));
    return this.#until(find, `a log line like ${message}`);
  }

  /** The first match in what was printed. */
  async printed(pattern: RegExp, stream: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this[stream]), `${pattern} on ${stream}`);
  }

  /** Resolves with the address at which it listens. */
  async url(): Promise<string> {
    return (await this.logged(/^Listening/)).url as string;
  }

  /** Resolves with the same address, once sessions can start. */
  async readyUrl(): Promise<string> {
    return (await this.logged(/^Greenroom is ready/)).url as string;
  }

  #endWithGroup(): void {
    const { pid } = this.process;
    if (!this.#leads || pid === undefined) {
      this.process.kill("SIGKILL");
      return;
    }
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody of it is left.
    }
  }

  /** Rejects when the process ends first. */
  #until<T>(find: () => T | null | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found !== null && found !== undefined) resolve(found);
        else if (this.#ended) reject(new Error(`It ended without ${what}:\n${this.stdout}\n${this.stderr}`));
        else return;
        this.#changed.delete(look);
      };
      this.#changed.add(look);
      look();
    });
  }

  #tell(): void {
    for (const look of this.#changed) look();
  }
}

/** True, and said so, where `script` of util-linux is missing, which makes terminals. */
export function noTerminal(t: ExecutionContext): boolean {
  if (!spawnSync("script", ["--version"]).error) return false;
  t.log("there is no script of util-linux here: not tried in a terminal");
  t.pass();
  return true;
}

function terminalOf(args: readonly string[]): [string, string[]] {
  const quoted = [process.execPath, ...args].map((word) => `'${word}'`).join(" ");
  return ["script", ["-qefc", `stty cols 80 rows 24 && exec ${quoted}`, "/dev/null"]];
}

/** A folder outside the project, gone with the test. */
export function temporaryFolder(t: Pick<ExecutionContext, "teardown">): string {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-test-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Returns the environment of the tests, without what would set options, or keys; without a network, and on a machine that
 * others keep busy.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = /^((GREENROOM|GOOGLE|GEMINI|DEEPGRAM|ELEVENLABS)_.*|PORT|NO_COLOR|FORCE_COLOR|NODE_OPTIONS)$/;
  const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(kept), WEATHER_API_URL: "offline", GREENROOM_IGNORE_LOAD: "true" };
}
