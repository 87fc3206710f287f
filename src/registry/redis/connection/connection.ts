import { DeadlineError } from "../../../shared/deadline.ts";
import type { Script } from "../scripts/script.ts";
import type { RedisClient } from "./client.ts";

export interface ConnectionOptions {
  readonly makeClient: () => RedisClient;
  /** The prefix of all keys, which is KEYS[1] of every script. */
  readonly prefix: string;
  readonly connected: () => void;
}

/**
 * The one connection to Redis. It is made again by itself; every command has a deadline, and none waits for a
 * connection.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: RedisClient;
  #error: Error | null = null;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#connect();
  }

  get ready(): boolean {
    return this.#client.isReady;
  }

  /** Returns the error for commands while there is no connection; its cause is the last failure. */
  get error(): Error {
    return new Error("Redis is not connected", { cause: this.#error ?? undefined });
  }

  /** Runs a script. Rejects after `timeoutMs` at the latest; Redis may run it all the same. */
  async run(script: Script, args: readonly (string | number)[], timeoutMs: number): Promise<unknown> {
    if (!this.ready) throw this.error;
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const expire = () =>
      reject(new DeadlineError(`Redis: ${script.name} took longer than ${Math.round(timeoutMs)} ms`));
    // Where this process was late itself, the answer may have arrived: in a turn of the event loop timers run
    // before sockets are read.
    const timer = setTimeout(() => setImmediate(expire), timeoutMs);
    const running = this.#evaluate(this.#client, script, args.map(String));
    try {
      return await Promise.race([running, overdue]);
    } finally {
      clearTimeout(timer);
      running.catch(() => undefined);
    }
  }

  /** Drops a connection that gives no answers, and makes another. TCP alone would wait for many minutes. */
  reset(): void {
    if (this.#closed) return;
    drop(this.#client);
    this.#client = this.#connect();
  }

  close(): void {
    this.#closed = true;
    drop(this.#client);
  }

  async #evaluate(client: RedisClient, { sha, source }: Script, args: readonly string[]): Promise<unknown> {
    const rest = ["1", this.#options.prefix, ...args];
    try {
      return await client.sendCommand(["EVALSHA", sha, ...rest]);
    } catch (error) {
      // Redis has no scripts after a restart.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return client.sendCommand(["EVAL", source, ...rest]);
    }
  }

  #connect(): RedisClient {
    const client = this.#options.makeClient();
    const failed = (error: Error) => {
      // The error of a client that was dropped says only that it was dropped.
      if (client === this.#client) this.#error = error;
    };
    client.on("error", failed);
    client.on("ready", () => {
      // A client that was dropped while it was connecting connects all the same.
      if (client !== this.#client || this.#closed) drop(client);
      else this.#options.connected();
    });
    // The client goes on trying by itself; the promise rejects when the client is destroyed.
    client.connect().catch(failed);
    return client;
  }
}

function drop(client: RedisClient): void {
  try {
    client.destroy();
  } catch {
    // The client was closed before.
  }
}
