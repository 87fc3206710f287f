import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "./client.ts";

const startTimeoutMs = 60_000;

/** The command line of the server with its built-in agent: what `npm start` runs. */
export const builtIn = fileURLToPath(new URL("../src/runner/bin.ts", import.meta.url));

/** A real server in a process of its own, on a free port, as a user would start it. */
export class Server implements AsyncDisposable {
  readonly client: Client;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.client = new Client(url);
  }

  /** Starts `node <program> serve …` and waits until it is ready. */
  static start(program: string, ...options: string[]): Promise<Server> {
    return Server.startIn(process.env, program, ...options);
  }

  /** Does the same with this environment. */
  static async startIn(env: NodeJS.ProcessEnv, program: string, ...options: string[]): Promise<Server> {
    const child = spawn(
      process.execPath,
      [program, "serve", "--port", "0", "--no-splash", "--ignore-load", ...options],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env,
      },
    );
    try {
      const server = new Server(child, await announcedUrl(child));
      await server.#ready();
      return server;
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  exposition = async (): Promise<string> => (await this.client.send("GET", "/metrics")).body;

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    this.#process.kill("SIGKILL");
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await once(this.#process, "exit");
    }
  }

  async #ready(): Promise<void> {
    const until = performance.now() + startTimeoutMs;
    while (performance.now() < until) {
      if ((await this.client.send("GET", "/ready")).status === 200) return;
      await sleep(20);
    }
    throw new Error(`The server was not ready within ${startTimeoutMs} ms`);
  }
}

function announcedUrl(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = "";
  const deadline = setTimeout(() => reject(new Error(`No URL in:\n${output}`)), startTimeoutMs);
  child.on("exit", (code) => reject(new Error(`The server ended with ${code}:\n${output}`)));
  child.stdout?.on("data", (chunk: Buffer) => {
    // Read on to the end: a full pipe would stop the server.
    if (output.length > 100_000) return;
    output += chunk.toString();
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
    if (url !== undefined) resolve(url);
  });
  return promise.finally(() => clearTimeout(deadline));
}
