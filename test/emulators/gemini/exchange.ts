import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { isRightKey, type WireLog } from "../emulator.ts";
import { WireAnswer, type WireChunk } from "./answer.ts";
import { readBody } from "./body.ts";
import type { GeminiDelays } from "./delays.ts";
import { ApiFault, badKey, retryInfo } from "./error-answer.ts";
import type { GeminiFault, GeminiFaults } from "./faults.ts";
import { checkRequest } from "./request-check.ts";
import type { GeminiScript } from "./script.ts";

export interface ExchangeSetting {
  readonly apiKey: string | undefined;
  readonly delays: GeminiDelays;
  readonly script: GeminiScript;
  readonly faults: GeminiFaults;
  /** The thought signatures that were sent. */
  readonly signatures: Set<string>;
  readonly log: WireLog;
  /** The number of its connection, and whether it is the first on it. */
  readonly connection: number;
  readonly first: boolean;
}

/** An error by which the emulator closes the connection. */
class Cut extends Error {}

/** An error as Google writes it into a stream that has begun. */
function errorText(form: "event" | "printed" | "bare" | "list", body: object): string {
  const printed = JSON.stringify(body, null, 2);
  switch (form) {
    case "event":
      return `data: ${JSON.stringify(body)}\r\n\r\n`;
    case "printed":
      return `data: ${printed}\r\n\r\n`;
    case "bare":
      return `${printed}\n`;
    case "list":
      return `[${printed}]\n\n`;
    default:
      return form satisfies never;
  }
}

/** Returns the body as JSON, or the text that is none, for the log. */
function asSent(bytes: Buffer): unknown {
  const text = bytes.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** One request and its answer. */
export class Exchange {
  readonly #number: number;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #setting: ExchangeSetting;
  /** Fires when the connection is gone. */
  readonly #gone = new AbortController();
  #cut = false;

  constructor(number: number, request: IncomingMessage, response: ServerResponse, setting: ExchangeSetting) {
    this.#number = number;
    this.#request = request;
    this.#response = response;
    this.#setting = setting;
    response.once("close", () => {
      this.#gone.abort();
      if (request.method !== "POST") return;
      if (response.writableFinished) this.#log("end", { status: response.statusCode });
      else if (!this.#cut) this.#log("aborted");
    });
  }

  /** Answers the request. It never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answer();
    } catch (error) {
      if (this.#gone.signal.aborted) return;
      if (error instanceof Cut) {
        this.#cut = true;
        this.#response.destroy();
        return;
      }
      const fault = error instanceof ApiFault ? error : new ApiFault(500, String(error));
      this.#json(fault.status, fault.body);
    }
  }

  async #answer(): Promise<void> {
    const { method, url = "/", headers } = this.#request;
    const bytes = method === "POST" ? await buffer(this.#request) : undefined;
    const { "x-goog-api-key": key, ...others } = headers;
    const { pathname: path } = new URL(url, "http://127.0.0.1");
    const { connection, first, delays, apiKey } = this.#setting;
    this.#log(method === "POST" ? "request" : "lookup", {
      connection,
      method,
      path,
      headers: others,
      body: bytes && asSent(bytes),
    });
    if (first) await this.#wait(delays.handshakeMs);

    const [, version, model, action] = /^\/(v1|v1beta)\/models\/([\w.-]+)(?::(\w+))?$/.exec(path) ?? [];
    if (version === undefined || model === undefined) throw new ApiFault(404, "Not Found");
    if (key === undefined) throw new ApiFault(403, "Method doesn't allow unregistered callers.");
    if (!isRightKey(String(key), apiKey ?? null)) throw badKey();
    if (!model.startsWith("gemini-") || (version === "v1" && model.endsWith("-latest"))) {
      throw new ApiFault(
        404,
        `models/${model} is not found for API version ${version}, or is not supported.`,
      );
    }
    if (method === "GET" && action === undefined) {
      this.#json(200, { name: `models/${model}`, version: "001", displayName: model });
    } else if (bytes !== undefined && action === "streamGenerateContent") {
      await this.#generate(bytes, model);
    } else {
      throw new ApiFault(404, "Not Found");
    }
  }

  async #generate(bytes: Buffer, model: string): Promise<void> {
    const { delays, script, faults, signatures } = this.#setting;
    const fault = faults.take();
    if (fault !== undefined) await this.#failBefore(fault);
    const body = readBody(bytes);
    checkRequest(body, model, signatures);
    await this.#wait(delays.firstTokenMs);
    const steps = await script(body, model);
    const answer = new WireAnswer(body, model, () => {
      const signature = randomBytes(24).toString("base64");
      signatures.add(signature);
      return signature;
    });
    await this.#stream(answer.chunks(steps), fault);
  }

  async #failBefore(fault: GeminiFault): Promise<void> {
    switch (fault.kind) {
      case "status":
        throw new ApiFault(
          fault.status,
          fault.message,
          fault.retryDelay === undefined ? [] : [retryInfo(fault.retryDelay)],
        );
      case "slow_headers":
        return this.#wait(fault.ms);
      case "hang":
        return this.#ever();
      case "reset":
        throw new Cut();
      default:
        return;
    }
  }

  async #stream(chunks: Iterable<WireChunk>, fault: GeminiFault | undefined): Promise<void> {
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    let written = 0;
    for (const { body, tokens, text } of chunks) {
      if (written > 0) await this.#wait(tokens * this.#setting.delays.tokenMs);
      const event = `data: ${JSON.stringify(body)}\r\n\r\n`;
      if (fault !== undefined && "afterChunks" in fault && fault.afterChunks === written) {
        if (await this.#failWithin(fault, event)) return;
      }
      if (fault?.kind === "odd_chunks") await this.#writePieces(Buffer.from(event), fault.bytes);
      else this.#response.write(event);
      if (written++ === 0) this.#log("first_byte");
      if (tokens > 0) this.#log("token", { text });
      this.#gone.signal.throwIfAborted();
    }
    this.#response.end();
  }

  /** Returns whether the answer has ended by it. */
  async #failWithin(
    fault: Extract<GeminiFault, { readonly afterChunks: number }>,
    event: string,
  ): Promise<boolean> {
    switch (fault.kind) {
      case "stall":
        this.#response.flushHeaders();
        return this.#ever();
      case "cut":
        await this.#write(event.slice(0, event.length / 2));
        throw new Cut();
      case "error_chunk":
        await this.#writePieces(
          Buffer.from(errorText(fault.form ?? "event", new ApiFault(fault.status).body)),
          fault.bytes ?? Number.MAX_SAFE_INTEGER,
        );
        this.#response.end();
        return true;
      case "garbage":
        await this.#write('data: {"candidates":[{"content":\r\n\r\n');
        return false;
      default:
        return fault satisfies never;
    }
  }

  async #writePieces(bytes: Buffer, size: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) await this.#write(bytes.subarray(at, at + size));
  }

  /** Resolves when it is on its way. */
  #write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.#response.write(bytes, () => resolve()));
  }

  #json(status: number, body: object): void {
    this.#response.writeHead(status, { "content-type": "application/json; charset=UTF-8" });
    this.#response.end(`${JSON.stringify(body, null, 2)}\n`);
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#gone.signal });
  }

  #ever(): Promise<never> {
    return new Promise((_, reject) => {
      this.#gone.signal.addEventListener("abort", () => reject(this.#gone.signal.reason), { once: true });
    });
  }

  #log(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#setting.log.add(kind, { request: this.#number, ...details });
  }
}
