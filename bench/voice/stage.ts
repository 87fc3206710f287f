import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { AgentLauncher } from "greenroom";
import type { ServicesOptions, ServicesOrder, ServicesReady, ServicesReport } from "./services-thread.ts";

/** A server whose agents talk to services on this machine, by the real SDKs. */
export class Stage implements AsyncDisposable {
  readonly launcher: AgentLauncher;
  readonly #services: Worker;
  readonly #folder: string;

  private constructor(launcher: AgentLauncher, services: Worker, folder: string) {
    this.launcher = launcher;
    this.#services = services;
    this.#folder = folder;
  }

  /** @param calls Most calls at a time; a thread is warm for each of them. */
  static async open(options: ServicesOptions, calls: number): Promise<Stage> {
    const services = new Worker(new URL("./services-thread.ts", import.meta.url), { workerData: options });
    const [{ environment, certificate }] = (await once(services, "message")) as [ServicesReady];
    const folder = await mkdtemp(join(tmpdir(), "greenroom-bench-"));
    const trusted = join(folder, "certificate.pem");
    if (certificate !== null) await writeFile(trusted, certificate);
    const launcher = new AgentLauncher({
      ignoreLoad: true,
      agent: new URL("../agents/voice.ts", import.meta.url),
      maxConcurrentSessions: calls,
      warmSessions: calls,
      threadStartTimeoutMs: 60_000,
      agentIdleTimeoutMs: 0,
      logLevel: "silent",
      agentsLogLevel: "silent",
      agentEnvironment: {
        ...(process.env as Record<string, string>),
        ...environment,
        ...(certificate === null ? {} : { BENCH_CERTIFICATE: trusted }),
      },
    });
    await launcher.start();
    return new Stage(launcher, services, folder);
  }

  /** Sets what the model answers from here on. */
  reply(reply: Extract<ServicesOrder, { type: "reply" }>["reply"]): void {
    this.#order({ type: "reply", reply });
  }

  /** Resolves with what the services saw since the last time. */
  async take(): Promise<ServicesReport> {
    this.#order({ type: "take" });
    const [report] = (await once(this.#services, "message")) as [ServicesReport];
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.launcher.stop();
    await this.#services.terminate();
    await rm(this.#folder, { recursive: true });
  }

  #order(order: ServicesOrder): void {
    this.#services.postMessage(order);
  }
}
