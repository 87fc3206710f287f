import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { JsonObject } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import { version } from "../../shared/version.ts";
import type { FilledServerOptions } from "./options.ts";
import type { Sdk } from "./sdk.ts";
import type { CallContext } from "./tool-list.ts";
import { type Route, routeTo } from "./transports.ts";

/** The longest time until a server answers whether it is there, in milliseconds. */
const pingTimeoutMs = 3_000;
/** The longest time for the farewell, in milliseconds. */
const leaveTimeoutMs = 1_000;
/** The most pages of a list of tools that are read: a server may go on for ever. */
const mostPages = 32;

/** The longest words of a server about the progress of a call, in characters. */
const longestProgress = 500;

export interface ConnectionListener {
  /** The tools of the server have changed. */
  readonly onChanged: () => void;
  /** The connection cannot be used any more. */
  readonly onLost: (error: Error) => void;
}

/** A connection with a server, from the handshake to its loss. */
export class McpConnection {
  readonly #sdk: Sdk;
  readonly #options: FilledServerOptions;
  readonly #listener: ConnectionListener;
  readonly #client: Client;
  readonly #route: Route;
  #checking = false;
  #open = true;
  /** The error that the transport has told last. */
  #error: Error | null = null;

  /** Prepares a connection, which `open` makes. */
  constructor(sdk: Sdk, options: FilledServerOptions, listener: ConnectionListener) {
    this.#sdk = sdk;
    this.#options = options;
    this.#listener = listener;
    this.#route = routeTo(options, sdk, (error) => this.#lose(error));
    // Results are read by the model, which a wrong description of them need not stop.
    const jsonSchemaValidator = {
      getValidator: () => (data: unknown) => ({ valid: true, data, errorMessage: undefined }),
    };
    this.#client = new sdk.Client(
      { name: "greenroom", version },
      { capabilities: {}, jsonSchemaValidator: jsonSchemaValidator as never },
    );
    this.#client.setNotificationHandler(sdk.ToolListChangedNotificationSchema, () => listener.onChanged());
    this.#client.onclose = () => this.#lose(this.#error ?? new Error("The connection has ended"));
    this.#client.onerror = (error) => this.#failed(error);
  }

  /** Makes the connection. Rejects where that fails, or takes longer than `connectTimeoutMs`; what was begun is ended. */
  async open(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.connect(this.#route.transport, { timeout: this.#options.connectTimeoutMs, signal });
    } catch (error) {
      // It was never anybody's, so its loss is told to nobody.
      this.#open = false;
      void this.#client.close().catch(() => undefined);
      throw error;
    }
  }

  /** Returns what the server's program has written last to its standard error. */
  get lastWords(): string {
    return this.#route.lastWords();
  }

  /** Resolves with the tools of the server, as it tells them. */
  async tools(signal: AbortSignal): Promise<readonly unknown[]> {
    if (this.#client.getServerCapabilities()?.tools === undefined) return [];
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      // Read loosely: one tool with a wrong description must not hide all others.
      const { tools: listed, nextCursor } = (await this.#client.request(
        { method: "tools/list", params: cursor === undefined ? {} : { cursor } },
        this.#sdk.ResultSchema,
        { timeout: this.#options.connectTimeoutMs, signal },
      )) as { readonly tools?: unknown; readonly nextCursor?: unknown };
      if (Array.isArray(listed)) tools.push(...listed);
      if (typeof nextCursor !== "string" || nextCursor === cursor) break;
      cursor = nextCursor;
    }
    return tools;
  }

  /** Calls a tool. Where the signal fires the server is told so. */
  call(name: string, args: JsonObject, { signal, progress }: CallContext): Promise<unknown> {
    const { timeoutMs, maxTimeoutMs } = this.#options;
    const request = { method: "tools/call" as const, params: { name, arguments: args } };
    return this.#client.request(request, this.#sdk.ResultSchema, {
      signal,
      timeout: Math.min(timeoutMs, maxTimeoutMs),
      maxTotalTimeout: maxTimeoutMs,
      resetTimeoutOnProgress: true,
      onprogress: ({ message, progress: done, total }) =>
        progress(
          cutText(
            message ?? (total === undefined ? String(done) : `${done} of ${total}`),
            longestProgress,
            "…",
          ),
        ),
    });
  }

  /** Ends the connection. Calls under way are rejected. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const left = this.#route.leave().catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, leaveTimeoutMs);
    });
    await Promise.race([left, enough]);
    clearTimeout(timer);
    await this.#client.close();
  }

  /** Takes an error of the transport. One of HTTP may mean that the server is gone: then nothing would tell calls under way. */
  #failed(error: Error): void {
    this.#error = error;
    if (this.#options.reach.kind === "http") void this.#check(error);
  }

  async #check(error: Error): Promise<void> {
    if (this.#checking || !this.#open || this.#client.transport === undefined) return;
    this.#checking = true;
    try {
      await this.#client.ping({ timeout: pingTimeoutMs });
    } catch {
      this.#lose(error);
    } finally {
      this.#checking = false;
    }
  }

  #lose(error: Error): void {
    if (!this.#open) return;
    this.#open = false;
    this.#listener.onLost(error);
    void this.#client.close().catch(() => undefined);
  }
}
