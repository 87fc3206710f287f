import type { RegisteredFunction } from "../../agent/tools/functions.ts";
import { ToolError } from "../../agent/tools/tool-error.ts";
import type { RemoteToolset } from "../../agent/tools/tools.ts";
import { BackOff } from "../../shared/back-off.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import { McpConnection } from "./connection.ts";
import { asServerError, kindOf, McpServerError, wordsOf } from "./errors.ts";
import { type FilledServerOptions, fillServerOptions, type ServerOptions } from "./options.ts";
import { loadSdk } from "./sdk.ts";
import { type CallContext, functionsOf } from "./tool-list.ts";
import { resultOf } from "./tool-result.ts";

/** The pauses between tries to reach a server. */
const backOff = new BackOff({ firstMs: 500, mostMs: 30_000, jitter: [0.5, 1.5] });
/** A connection that lasted as long as this was a good one: the pauses begin anew, in milliseconds. */
const goodAfterMs = 10_000;
/** The least time between two questions for the tools, in milliseconds: a server may tell of changes without end. */
const listIntervalMs = 1_000;

/**
 * The tools of an MCP server, reached by streamable HTTP or as a program on this machine:
 *
 * ```ts
 * const crm = new mcp.Server({ url: "https://crm.example.com/mcp", headers: { authorization: `Bearer ${token}` } });
 * const files = new mcp.Server({ command: "npx", args: ["some-mcp-server"], prefix: "files_" });
 * const agent = new Agent({ tools: [crm, files], … });
 * ```
 */
export interface Server extends RemoteToolset {
  readonly provider: "mcp";
  /** The name of the server. */
  readonly model: string;
  /** The functions of the server as it has told them last. They stay while it cannot be reached: each call then fails. */
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  /**
   * Reaches the server, and resolves when its tools are known. Where it rejects, and where the connection is lost later, the server is
   * tried again after growing pauses, until `close`.
   * @throws an `McpServerError`, or a `DeadlineError` after `connectTimeoutMs`
   */
  warm(signal: AbortSignal): Promise<void>;
  /** Ends the connection, and the program of the server where it is this one's. */
  close(): Promise<void>;
}

class McpServer implements Server {
  readonly provider = "mcp";
  readonly model: string;
  readonly #options: FilledServerOptions;
  readonly #lifetime = new AbortController();
  #functions: ReadonlyMap<string, RegisteredFunction> = new Map();
  #connection: McpConnection | null = null;
  #opening: Promise<McpConnection> | null = null;
  #failures = 0;
  #openedAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #leftOut = "";

  constructor(options: ServerOptions) {
    this.#options = fillServerOptions(options);
    this.model = this.#options.name;
  }

  get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.#functions;
  }

  async warm(signal: AbortSignal): Promise<void> {
    const { connectTimeoutMs, name } = this.#options;
    try {
      await within(
        this.#connected(),
        connectTimeoutMs,
        `To reach the MCP server ${name}`,
        signal,
        "connectTimeoutMs",
      );
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof DeadlineError ? error : asServerError(name, error);
    }
  }

  async close(): Promise<void> {
    if (this.#lifetime.signal.aborted) return;
    this.#lifetime.abort(new McpServerError("mcp.Server is closed", { code: "CLOSED" }));
    clearTimeout(this.#retry);
    clearTimeout(this.#refresh);
    await this.#opening?.catch(() => undefined);
    await this.#connection?.close();
  }

  /** Resolves with the connection, whose tools are known. One that fails is made again later. */
  #connected(): Promise<McpConnection> {
    this.#lifetime.signal.throwIfAborted();
    if (this.#connection !== null) return Promise.resolve(this.#connection);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(): Promise<McpConnection> {
    clearTimeout(this.#retry);
    const { signal } = this.#lifetime;
    let connection: McpConnection | null = null;
    let isOpen = false;
    let lost: Error | null = null;
    try {
      const sdk = await loadSdk();
      signal.throwIfAborted();
      const listener = {
        onChanged: () => this.#listSoon(),
        onLost: (error: Error) => {
          lost = error;
          if (isOpen && connection !== null) this.#lost(connection, error);
        },
      };
      connection = new McpConnection(sdk, this.#options, listener);
      await connection.open(signal);
      isOpen = true;
      await this.#list(connection);
      if (lost !== null) throw lost;
      signal.throwIfAborted();
      if (this.#failures > 0) console.info(`mcp.Server ${this.model} is reached again`);
      this.#connection = connection;
      this.#openedAt = performance.now();
      return connection;
    } catch (error) {
      await connection?.close();
      signal.throwIfAborted();
      this.#tryLater();
      throw asServerError(this.model, error, connection?.lastWords);
    }
  }

  async #list(connection: McpConnection): Promise<void> {
    this.#listedAt = performance.now();
    const listed = await connection.tools(this.#lifetime.signal);
    const { functions, leftOut } = functionsOf(listed, this.#options, (name, args, context) =>
      this.#call(name, args, context),
    );
    this.#functions = functions;
    const told = leftOut.slice(0, 10).join("; ");
    if (told !== "" && told !== this.#leftOut) {
      console.warn(`mcp.Server ${this.model}: ${leftOut.length} tools are left out: ${told}`);
    }
    this.#leftOut = told;
  }

  /** Asks for the tools again, since they have changed. */
  #listSoon(): void {
    if (this.#refresh !== undefined || this.#lifetime.signal.aborted) return;
    const waitMs = Math.max(0, this.#listedAt + listIntervalMs - performance.now());
    this.#refresh = setTimeout(async () => {
      this.#refresh = undefined;
      const connection = this.#connection;
      if (connection === null) return;
      try {
        await this.#list(connection);
      } catch (error) {
        // Those that were known before stay.
        if (!this.#lifetime.signal.aborted) console.warn(asServerError(this.model, error).message);
      }
    }, waitMs);
  }

  #lost(connection: McpConnection, error: Error): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    if (this.#lifetime.signal.aborted) return;
    if (performance.now() - this.#openedAt > goodAfterMs) this.#failures = 0;
    console.warn(`${asServerError(this.model, error, connection.lastWords).message}. It is tried again`);
    this.#tryLater();
  }

  #tryLater(): void {
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => void this.#connected().catch(() => undefined),
      backOff.pauseMs(this.#failures),
    );
  }

  async #call(name: string, args: JsonObject, context: CallContext): Promise<unknown> {
    for (let again = false; ; again = true) {
      const connection = this.#connection;
      if (connection === null) throw this.#unavailable();
      try {
        return resultOf(await connection.call(name, args, context));
      } catch (error) {
        context.signal.throwIfAborted();
        if (ToolError.is(error)) throw error;
        const kind = kindOf(error);
        if (kind === "timed_out") throw this.#late(name);
        if (kind === "refused") throw new ToolError(wordsOf(error));
        // Other calls may be under way. Where the server is gone the connection notices it by itself.
        if (kind === "unavailable") throw this.#unavailable();
        this.#lost(connection, error as Error);
        void connection.close().catch(() => undefined);
        // A server that does not know the session has not run the tool.
        if (kind === "lost" || again) throw this.#unavailable();
        await this.#connected().catch(() => undefined);
      }
    }
  }

  #late(name: string): DeadlineError {
    return new DeadlineError(`The tool ${name} took longer than ${this.#options.timeoutMs} ms`, "timeoutMs");
  }

  #unavailable(): ToolError {
    return new ToolError(
      "The service behind this function cannot be reached at the moment. Try again later.",
    );
  }
}

/** @throws a `TypeError` that names a wrong option */
export const Server: new (options: ServerOptions) => Server = McpServer;
