// Node 20 has no such export. It has to get as far as the sentence about its version.
import * as nodeModule from "node:module";
import type { AgentLauncher } from "../api/agent-launcher.ts";
import type { ConsoleOptions, RunnerOptions } from "../api/runner-options.ts";
import type { ServerHandle } from "../api/server-handle.ts";
import { compileCacheFolder } from "../process/compile-cache.ts";
import type { EndReason } from "../shared/end-reasons.ts";
import { requireNoSession } from "../shared/session-thread.ts";

/** The inside of a `Runner`: a light shell, which loads the server when it is used. */
export class RunnerShell {
  readonly #launcher: AgentLauncher;
  readonly #options: RunnerOptions;

  constructor(launcher: AgentLauncher, options: RunnerOptions = {}) {
    this.#launcher = launcher;
    this.#options = options;
  }

  async cli(argv: readonly string[] = process.argv.slice(2)): Promise<never> {
    requireNoSession("cli");
    // Half of the CPU time of a start is the compilation of the modules that are imported from here on.
    // Node's own variables for the cache take precedence.
    const cache = compileCacheFolder();
    if (cache !== null) nodeModule.enableCompileCache(cache);
    const { runCommandLine } = await import("./commands/command.ts");
    process.exit(await runCommandLine(argv, this.#launcher, this.#options));
  }

  async serve(options: RunnerOptions = {}): Promise<ServerHandle> {
    requireNoSession("serve");
    const { serve } = await import("./server/serve.ts");
    return serve(this.#launcher, { ...this.#options, ...options });
  }

  async run(options: ConsoleOptions = {}): Promise<EndReason> {
    requireNoSession("run");
    const { converse } = await import("./console/console.ts");
    return converse(this.#launcher, options);
  }
}
