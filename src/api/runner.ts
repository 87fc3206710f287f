import { RunnerShell } from "../runner/runner.ts";
import type { EndReason } from "../shared/end-reasons.ts";
import type { AgentLauncher } from "./agent-launcher.ts";
import type { ConsoleOptions, RunnerOptions } from "./runner-options.ts";
import type { ServerHandle } from "./server-handle.ts";

/**
 * Serves a launcher's agents over HTTP, or talks with one in the terminal.
 *
 * ```ts
 * if (import.meta.main) await new Runner(new AgentLauncher({ agent: import.meta.url })).cli();
 * ```
 */
export interface Runner {
  /**
   * Runs the command that the words of the command line ask for (`serve` or `run`, see `--help`), and ends the process:
   * exit code 0 after an orderly shutdown, 1 when it failed, 2 when it was asked for wrongly. A flag counts more than a
   * variable `GREENROOM_…` of the environment, that more than one in the file `.env`, and that more than what the code
   * passed to `AgentLauncher` and `Runner`. Where API keys are set (`GREENROOM_API_KEYS`) and the code says nothing of who
   * may do what, `serve` asks for them.
   * @param argv The words behind the program's name. Default: those of the process.
   */
  cli(argv?: readonly string[]): Promise<never>;
  /**
   * Listens, and starts the launcher. Resolves once it listens, so that probes are answered while threads warm up; the
   * handle's `ready` tells when sessions can start. Neither flags, environment nor signals are looked at. Rejects with
   * INVALID_OPTIONS, or where it cannot listen.
   */
  serve(options?: RunnerOptions): Promise<ServerHandle>;
  /**
   * Holds a conversation typed in the terminal. Resolves with the reason that it ended of. The launcher is stopped
   * afterwards.
   */
  run(options?: ConsoleOptions): Promise<EndReason>;
}

export const Runner: new (launcher: AgentLauncher, options?: RunnerOptions) => Runner = RunnerShell;
