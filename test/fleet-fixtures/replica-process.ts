import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { AgentLauncherOptions, RunnerOptions } from "greenroom";
import { freePort } from "../fixtures/free-port.ts";
import { asking, type OpenServer } from "../http-fixtures/open-server.ts";
import { Child } from "../runner-fixtures/child.ts";

const fleetProgram = join(import.meta.dirname, "fleet-program.ts");
export const peerSecret = "the-secret-that-the-replicas-of-a-test-share";

export interface ReplicaSettings {
  readonly nodeId: string;
  /** The address of Redis; null: it has its own memory alone. */
  readonly redisUrl: string | null;
  readonly launcher: Partial<AgentLauncherOptions>;
  readonly runner: RunnerOptions;
  /** The variables that are added to its environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A replica in a process of its own, as Kubernetes would start it, at an address that it keeps. */
export class ReplicaProcess implements Pick<OpenServer, "ask" | "start"> {
  readonly nodeId: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly url: string;
  readonly ask: OpenServer["ask"];
  readonly start: OpenServer["start"];
  readonly #t: Pick<ExecutionContext, "teardown">;
  readonly #settings: ReplicaSettings;
  #child: Child;

  private constructor(
    t: Pick<ExecutionContext, "teardown">,
    settings: ReplicaSettings,
    ports: readonly [number, number],
  ) {
    this.#t = t;
    this.#settings = settings;
    this.nodeId = settings.nodeId;
    [this.port, this.metricsPort] = ports;
    this.url = `http://127.0.0.1:${this.port}`;
    ({ ask: this.ask, start: this.start } = asking(this.url));
    this.#child = this.#spawn();
  }

  /** Starts a replica, and does not wait until it is ready. */
  static async open(
    t: Pick<ExecutionContext, "teardown">,
    settings: ReplicaSettings,
  ): Promise<ReplicaProcess> {
    return new ReplicaProcess(t, settings, [await freePort(), await freePort()]);
  }

  get child(): Child {
    return this.#child;
  }

  /** Resolves once sessions can start. */
  async ready(): Promise<void> {
    await this.#child.readyUrl();
  }

  /** Kills it at once, so that it can do nothing more. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exit;
  }

  /** Sends SIGTERM. Resolves with its exit code once its last call has ended. */
  async drain(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return (await this.#child.exit).code;
  }

  /** Starts another process, at the same address and under the same name. */
  async restart(): Promise<void> {
    this.#child = this.#spawn();
    await this.ready();
  }

  /** Resolves with the sum of a metric's values, or of those with this in their labels, such as `reason="lost"`. */
  async metric(name: string, label = ""): Promise<number> {
    const url = `http://127.0.0.1:${this.metricsPort}/metrics`;
    const text = await (await fetch(url, { headers: { connection: "close" } })).text();
    const lines = text
      .split("\n")
      .filter((line) => /^[^{ ]+/.exec(line)?.[0] === name && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  #spawn(): Child {
    const { redisUrl, launcher, runner, environment } = this.#settings;
    const ports = ["--port", String(this.port), "--metrics-port", String(this.metricsPort)];
    return new Child(this.#t, [fleetProgram, "serve", "--no-splash", ...ports], {
      env: {
        TEST_OPTIONS: JSON.stringify({ launcher, runner }),
        GREENROOM_NODE_ID: this.nodeId,
        GREENROOM_ADVERTISED_ADDRESS: this.url,
        ...(redisUrl === null ? {} : { GREENROOM_REDIS_URL: redisUrl }),
        GREENROOM_PEER_SECRET: peerSecret,
        ...environment,
      },
    });
  }
}
