// Node 20 has no such export, and is to reach the sentence that says so.
import * as nodeModule from "node:module";
import type { AgentLauncher } from "../agent-launcher.ts";
import type { ConsoleOptions, RunnerOptions } from "../api/runner-options.ts";
import { compileCacheFolder } from "../process/compile-cache.ts";
import type { EndReason } from "../shared/end-reasons.ts";
import type { ServerHandle } from "./server/serve.ts";

/**
 * Serves a launcher's agents over HTTP, or talks with one in the terminal. A light shell, since an agent's module is
 * loaded in its thread too: what is behind it is loaded when it is used.
 */
export class Runner {
  readonly #launcher: AgentLauncher;
  readonly #options: RunnerOptions;

  constructor(launcher: AgentLauncher, options: RunnerOptions = {}) {
    this.#launcher = launcher;
    this.#options = options;
  }

  /**
   * Runs the command that the words of the command line ask for (`serve` or `run`, see `--help`), and ends the process:
   * exit code 0 after an orderly shutdown, 1 when it failed, 2 when it was asked for wrongly. A flag counts more than a
   * variable `GREENROOM_…` of the environment, that more than one in the file `.env`, and that more than what the code
   * passed to `AgentLauncher` and `Runner`. Where API keys are set (`GREENROOM_API_KEYS`) and the code says nothing of who
   * may do what, `serve` asks for them.
   */
  async cli(argv: readonly string[] = process.argv.slice(2)): Promise<never> {
    // Half of what a start computes is compiling what is imported from here on. Variables of Node's own decide before this does.
    const cache = compileCacheFolder();
    if (cache !== null) nodeModule.enableCompileCache(cache);
    const { runCommandLine } = await import("./commands/command.ts");
    process.exit(await runCommandLine(argv, this.#launcher, this.#options));
  }

  /**
   * Listens, and starts the launcher. Resolves once it listens, so that probes are answered while threads warm up; the
   * handle's `ready` tells when sessions can start. Neither flags, environment nor signals are looked at. Rejects with
   * INVALID_OPTIONS, or where it cannot listen.
   */
  async serve(options: RunnerOptions = {}): Promise<ServerHandle> {
    const { serve } = await import("./server/serve.ts");
    return serve(this.#launcher, { ...this.#options, ...options });
  }

  /** A conversation typed in the terminal. Resolves with the reason that it ended of. The launcher is stopped afterwards. */
  async run(options: ConsoleOptions = {}): Promise<EndReason> {
    const { converse } = await import("./console/console.ts");
    return converse(this.#launcher, options);
  }
}
