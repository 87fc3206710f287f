import type { IncomingMessage, ServerResponse } from "node:http";
import type { Emulator } from "./emulator.ts";
import { defaultScript } from "./gemini/default-script.ts";
import { type GeminiDelays, geminiDelays } from "./gemini/delays.ts";
import { Exchange } from "./gemini/exchange.ts";
import { GeminiFaults } from "./gemini/faults.ts";
import type { GeminiScript } from "./gemini/script.ts";
import { type Certificate, HttpServer } from "./http-server.ts";

export { type GeminiDelays, geminiDelays } from "./gemini/delays.ts";
export type { GeminiFault } from "./gemini/faults.ts";
export type { GeminiCall, GeminiRequest, GeminiScript, GeminiStep, WireContent } from "./gemini/script.ts";

export interface GeminiOptions {
  /** The port. Default 0: any that is free. */
  readonly port?: number;
  /** The only valid key. Default: every key that does not begin with `wrong`. */
  readonly apiKey?: string;
  /** The delays of its answers. Default: those that are published of gemini-2.5-flash-lite. */
  readonly delays?: GeminiDelays;
  /** The script of its answers. Default: rules for a conversation. */
  readonly script?: GeminiScript;
  /** Serves https with these. */
  readonly tls?: Certificate;
}

/** Listens on 127.0.0.1. */
export async function startGemini(options: GeminiOptions = {}): Promise<GeminiEmulator> {
  const emulator = new GeminiEmulator(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

/**
 * The Gemini API as a voice agent uses it: `models/{model}:streamGenerateContent` by server-sent events, and
 * `models/{model}`. Its log has `request` (with `body`), then its `first_byte`, a `token` for each chunk with something that
 * the model wrote (with `text`), and `end` (with `status`) or `aborted` (the client closed the connection before the end),
 * each with the number of the `request`; `lookup` for everything else that is asked; `connection` and `connection_closed`.
 */
export class GeminiEmulator extends HttpServer implements Emulator {
  readonly provider = "gemini";
  /** The faults of the next requests for an answer. */
  readonly faults = new GeminiFaults();
  delays: GeminiDelays;
  script: GeminiScript;
  readonly #apiKey: string | undefined;
  /** The connections that have served a request, by their numbers. */
  readonly #used = new Set<number>();
  readonly #signatures = new Set<string>();
  #requests = 0;

  constructor({ apiKey, delays = geminiDelays.published, script = defaultScript, tls }: GeminiOptions) {
    super(tls);
    this.#apiKey = apiKey;
    this.delays = delays;
    this.script = script;
  }

  get url(): string {
    return this.origin;
  }

  get environment(): Readonly<Record<string, string>> {
    return { GOOGLE_GEMINI_BASE_URL: this.url, GOOGLE_API_KEY: this.#apiKey ?? "emulated" };
  }

  protected serve(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.connectionOf(request);
    const exchange = new Exchange(++this.#requests, request, response, {
      apiKey: this.#apiKey,
      delays: this.delays,
      script: this.script,
      faults: this.faults,
      signatures: this.#signatures,
      log: this.log,
      connection: connection ?? 0,
      first: connection !== undefined && !this.#used.has(connection),
    });
    if (connection !== undefined) this.#used.add(connection);
    void exchange.run();
  }
}
