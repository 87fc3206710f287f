import type { MessagePort } from "node:worker_threads";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { SharedThreadAccess } from "../../../agent/thread/shared-threads.ts";
import type { FromMcpThread, McpMessage, McpProgram, ToMcpThread } from "../../../shared/mcp-thread.ts";

/** The way of a session to a program in the thread that runs those of all sessions. */
export class HostedTransport implements Transport {
  readonly #access: SharedThreadAccess;
  readonly #program: McpProgram;
  #port: MessagePort | null = null;
  #lastWords = "";
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  constructor(access: SharedThreadAccess, program: McpProgram) {
    this.#access = access;
    this.#program = program;
  }

  get lastWords(): string {
    return this.#lastWords;
  }

  /** Resolves when the program runs. Rejects with the error of its start, whose `code` is the system's. */
  async start(): Promise<void> {
    const port = await this.#access.connect();
    this.#port = port;
    const opened = Promise.withResolvers<void>();
    port.on("message", (message: FromMcpThread) => {
      switch (message.type) {
        case "opened":
          opened.resolve();
          break;
        case "message":
          this.onmessage?.(message.message as unknown as JSONRPCMessage);
          break;
        case "lost": {
          this.#lastWords = message.lastWords;
          const error = Object.assign(
            new Error(message.reason),
            message.code === null ? {} : { code: message.code },
          );
          opened.reject(error);
          this.onerror?.(error);
          break;
        }
        default:
          message satisfies never;
      }
    });
    port.on("close", () => {
      opened.reject(new Error("The thread of the program has ended"));
      this.#port = null;
      this.onclose?.();
    });
    this.#post({ type: "open", program: this.#program });
    await opened.promise;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#post({ type: "message", message: message as unknown as McpMessage });
  }

  async close(): Promise<void> {
    this.#port?.close();
  }

  #post(message: ToMcpThread): void {
    if (this.#port === null) throw new Error("Not connected");
    this.#port.postMessage(message);
  }
}
