import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { json } from "node:stream/consumers";
import { setImmediate as nextTick } from "node:timers/promises";
import { type Emulator, WireLog } from "./emulator.ts";
import { anthropic } from "./vendors/anthropic.ts";
import { mistralChat, openaiChat } from "./vendors/chat.ts";
import { openaiResponses } from "./vendors/responses.ts";
import type { Dialect, VendorBody, VendorScript, WireEvent } from "./vendors/script.ts";

export type { VendorBody, VendorScript, VendorStep } from "./vendors/script.ts";

/** The vendors by the first step of their address. */
const dialects: Readonly<Record<string, readonly Dialect[]>> = {
  openai: [openaiResponses, openaiChat],
  anthropic: [anthropic],
  mistral: [mistralChat],
};

/** The fault of a request for an answer. */
export type VendorFault =
  /** The request is answered with an error. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly code?: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The request is never answered. */
  | { readonly kind: "hang" }
  /** The connection is closed without an answer. */
  | { readonly kind: "reset" }
  /** After so many events the connection is closed, nothing more comes, or an event comes that is an error or no JSON. */
  | { readonly kind: "cut" | "stall" | "garbage"; readonly after: number }
  | { readonly kind: "error_event"; readonly after: number; readonly code: string }
  /** The answer is written in pieces of so many bytes, wherever they end. */
  | { readonly kind: "odd_chunks"; readonly bytes: number };

/** Listens on 127.0.0.1. */
export async function startVendors(): Promise<VendorsEmulator> {
  const emulator = new VendorsEmulator();
  await emulator.listen();
  return emulator;
}

/**
 * The streaming text APIs of OpenAI, Anthropic and Mistral, as the public documents describe them, at `/openai/v1`, `/anthropic/v1`
 * and `/mistral/v1`. Its log has `request` (with `path`, `body` and `headers`), `first_byte`, then `end` or `aborted` (the client
 * closed the connection before the end), and `connection_closed`.
 */
export class VendorsEmulator implements Emulator {
  readonly provider = "vendors";
  readonly environment = {};
  readonly log = new WireLog();
  /** The faults of the next requests, in order. */
  readonly faults: VendorFault[] = [];
  script: VendorScript = () => [{ text: "Hello! How can I help?" }];
  /** Waits between two events, for answers that are stopped in their middle. */
  slow = false;
  readonly #given = new Set<string>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  #connections = 0;

  async listen(): Promise<void> {
    this.#server.on("connection", (socket) => {
      this.#connections += 1;
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => {
        this.#sockets.delete(socket);
        this.log.add("connection_closed");
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#connections;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = String(request.url);
    const [, vendor = ""] = path.split("/");
    const dialect = dialects[vendor]?.find((one) => path === `/${vendor}/v1${one.path}`);
    if (dialect === undefined) return void response.writeHead(404).end();
    const body = (await json(request)) as VendorBody;
    response.once("close", () => this.log.add(response.writableFinished ? "end" : "aborted"));
    this.log.add("request", { path, body, headers: request.headers });
    const fault = this.faults.shift();
    const setting = { body, given: this.#given };
    const refuse = (status: number, code: string, message: string, headers: object = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(dialect.error(status, code, message)));
    };
    const key = request.headers["x-api-key"] ?? request.headers.authorization?.replace("Bearer ", "");
    if (String(key).startsWith("wrong"))
      return refuse(401, "invalid_api_key", `Incorrect API key provided: ${key}`);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "reset") return void request.socket.destroy();
    if (fault?.kind === "status") {
      const { status, code = "server_error", message = "That failed", headers } = fault;
      return refuse(status, code, message, headers);
    }
    const problem = dialect.problem(setting);
    if (problem !== null) return refuse(400, "invalid_request_error", problem);
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    await this.#write(dialect, dialect.events(this.script(body), setting), fault, response);
  }

  async #write(
    dialect: Dialect,
    events: readonly WireEvent[],
    fault: VendorFault | undefined,
    response: ServerResponse,
  ): Promise<void> {
    for (const [index, event] of events.entries()) {
      if (response.destroyed) return;
      if (fault !== undefined && "after" in fault && fault.after === index) {
        if (fault.kind === "stall") return;
        if (fault.kind === "cut") {
          // In the middle of the next event.
          response.write(bytesOf(event).subarray(0, 12), () => response.socket?.destroy());
          return;
        }
        const error = fault.kind === "error_event" ? dialect.streamedError(fault.code, "That failed") : null;
        response.end(error === null ? "data: {no JSON, private words\n\n" : bytesOf(error));
        return;
      }
      const bytes = bytesOf(event);
      const size = fault?.kind === "odd_chunks" ? fault.bytes : bytes.length;
      for (let at = 0; at < bytes.length; at += size) {
        response.write(bytes.subarray(at, at + size));
        if (size < bytes.length) await nextTick();
      }
      if (index === 0) this.log.add("first_byte");
      if (this.slow) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    response.end();
  }
}

function bytesOf({ event, data }: WireEvent): Buffer {
  const name = event === undefined ? "" : `event: ${event}\n`;
  return Buffer.from(`${name}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
}
