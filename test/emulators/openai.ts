/**
 * A service that speaks OpenAI's protocol on 127.0.0.1: `/chat/completions`, `/audio/transcriptions`, `/audio/speech` and `/models`,
 * checked and answered as the documents of OpenAI say, or in the dialect of another.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { type Emulator, isRightKey } from "./emulator.ts";
import { HttpServer } from "./http-server.ts";
import {
  answerSpeech,
  readTranscription,
  type SpeechStyle,
  type TranscriptionScript,
  usualSpeech,
} from "./openai/audio.ts";
import { answerChat, Cut } from "./openai/chat.ts";
import { type Dialect, dialects } from "./openai/dialects.ts";
import { OpenaiFaults } from "./openai/faults.ts";
import { type OpenaiDelays, type OpenaiOptions, openaiDelays, usualModels } from "./openai/options.ts";
import { RealtimeTranscription } from "./openai/realtime.ts";
import { Refusal, usualRefusal } from "./openai/refusal.ts";
import { type ChatScript, defaultScript, type StreamStyle, usualStyle } from "./openai/script.ts";

export type { Heard } from "./openai/audio.ts";
export type { DialectName } from "./openai/dialects.ts";
export type { OpenaiFault } from "./openai/faults.ts";
export { type OpenaiDelays, type OpenaiOptions, openaiDelays } from "./openai/options.ts";
export {
  type ChatMessage,
  type ChatRequest,
  type ChatScript,
  type ChatStep,
  textOf,
} from "./openai/script.ts";

/** Listens on 127.0.0.1. */
export async function startOpenai(options: OpenaiOptions = {}): Promise<OpenaiEmulator> {
  const emulator = new OpenaiEmulator(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

/**
 * Its log has `request` (with `path`, `query`, `headers`, `body`), its `first_byte`, a `token` for each piece of text, `end` (with
 * `status`) or `aborted` (the client closed the connection before the end), each with the number of the `request`; `lookup` for
 * everything that is got; `heard` for a transcription; `connection` and `connection_closed`.
 */
export class OpenaiEmulator extends HttpServer implements Emulator {
  readonly provider = "openai";
  /** The faults of the next requests, of any kind. */
  readonly faults = new OpenaiFaults();
  delays: OpenaiDelays;
  script: ChatScript;
  style: StreamStyle = usualStyle;
  speech: SpeechStyle = usualSpeech;
  /** Transcription over a WebSocket. */
  readonly realtime: RealtimeTranscription;
  transcribe: TranscriptionScript = ({ samples, sampleRate }) =>
    `${Math.round(samples.length / sampleRate)} s of speech`;
  models: readonly string[];
  contextTokens: number;
  readonly #dialect: Dialect;
  readonly #apiKey: string | null | undefined;
  #requests = 0;

  constructor({
    apiKey,
    dialect = "openai",
    delays = openaiDelays.published,
    script = defaultScript,
    models,
    contextTokens = 100_000,
    tls,
  }: OpenaiOptions) {
    super(tls);
    this.#apiKey = apiKey;
    this.#dialect = dialects[dialect];
    this.delays = delays;
    this.script = script;
    this.models = models ?? usualModels;
    this.contextTokens = contextTokens;
    this.realtime = new RealtimeTranscription({
      log: this.log,
      path: this.#dialect.path,
      checkKey: (headers) => this.#checkKey(headers),
    });
    this.serveUpgrades((request, socket, head) => this.realtime.shakeHands(request, socket, head));
  }

  /** The base URL, with the path of the dialect. */
  get url(): string {
    return this.origin + this.#dialect.path;
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      GREENROOM_LLM: `openai-compatible:${this.url}#emulated`,
      GREENROOM_STT: `openai-compatible:${this.url}#whisper-1`,
      GREENROOM_TTS: `openai-compatible:${this.url}#tts-1@coral`,
      OPENAI_COMPATIBLE_API_KEY: this.#apiKey ?? "emulated",
    };
  }

  protected serve(request: IncomingMessage, response: ServerResponse): void {
    void this.#serve(request, response);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = ++this.#requests;
    const gone = new AbortController();
    const log = (kind: string, details: Readonly<Record<string, unknown>> = {}) =>
      this.log.add(kind, { request: number, ...details });
    let cut = false;
    response.once("close", () => {
      gone.abort();
      if (request.method !== "POST" || cut) return;
      if (response.writableFinished) log("end", { status: response.statusCode });
      else log("aborted");
    });
    try {
      await this.#answer(request, response, log, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (error instanceof Cut) {
        cut = true;
        response.destroy();
        return;
      }
      this.#refuse(response, error instanceof Refusal ? error : usualRefusal(500, String(error)));
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    log: (kind: string, details?: Readonly<Record<string, unknown>>) => void,
    gone: AbortSignal,
  ): Promise<void> {
    const { method, url = "/", headers } = request;
    const bytes = await buffer(request);
    const { pathname, searchParams } = new URL(url, "http://127.0.0.1");
    const { [this.#dialect.keyHeader]: _, ...others } = headers;
    const body = /json/.test(headers["content-type"] ?? "") ? asSent(bytes) : undefined;
    const connection = this.connectionOf(request);
    log(method === "POST" ? "request" : "lookup", {
      connection,
      method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: others,
      body,
    });
    const { path, query } = this.#dialect;
    const isThere =
      pathname.startsWith(`${path}/`) &&
      Object.entries(query).every(([name, value]) => searchParams.get(name) === value);
    if (!isThere) throw new Refusal(404, `Invalid URL (${method} ${pathname})`);
    this.#checkKey(headers);
    const what = pathname.slice(path.length);
    const { models } = this;
    if (method === "GET" && what === "/models") {
      const data = models.map((id) => ({ id, object: "model", created: 1, owned_by: "emulator" }));
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ object: "list", data }));
      return;
    }
    if (method !== "POST") throw new Refusal(404, `Invalid URL (${method} ${pathname})`);
    const fault = this.faults.take();
    if (what === "/chat/completions") {
      const { script, style, delays, contextTokens } = this;
      await answerChat(body, response, {
        dialect: this.#dialect,
        script,
        style,
        delays,
        models,
        contextTokens,
        fault,
        log,
        gone,
      });
      return;
    }
    if (fault?.kind === "reset") throw new Cut();
    if (fault?.kind === "hang")
      await new Promise((_resolve, reject) => gone.addEventListener("abort", reject));
    if (fault?.kind === "status")
      throw Object.assign(usualRefusal(fault.status, fault.message, fault.code), { headers: fault.headers });
    if (what === "/audio/speech")
      await answerSpeech(body, response, { style: this.speech, models, gone, log });
    else if (what === "/audio/transcriptions") {
      const heard = await readTranscription(bytes, headers, models);
      log("heard", { ...heard });
      const text = await this.transcribe(heard);
      gone.throwIfAborted();
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ text, usage: { type: "duration", seconds: 1 } }));
    } else throw new Refusal(404, `Invalid URL (${method} ${pathname})`);
  }

  #checkKey(headers: IncomingMessage["headers"]): void {
    if (this.#apiKey === null) return;
    const { keyHeader, keyPrefix } = this.#dialect;
    const given = headers[keyHeader];
    if (typeof given !== "string" || !given.startsWith(keyPrefix) || given === keyPrefix) {
      throw new Refusal(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.",
      );
    }
    const key = given.slice(keyPrefix.length);
    if (isRightKey(key, this.#apiKey ?? null)) return;
    // The real service shows the ends of the key; some gateways show all of it.
    throw new Refusal(401, `Incorrect API key provided: ${key}.`, { code: "invalid_api_key" });
  }

  #refuse(response: ServerResponse, refusal: Refusal): void {
    const { headers = {}, own } = refusal as Refusal & {
      readonly headers?: Readonly<Record<string, string>>;
      readonly own?: unknown;
    };
    const body = own ?? refusal.body(this.#dialect.errors);
    const type = typeof body === "string" ? "text/html" : "application/json";
    response.writeHead(refusal.status, { "content-type": type, "x-request-id": "req_emulated", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }
}

/** Returns the body as JSON, or the text that is none. */
function asSent(bytes: Buffer): unknown {
  const text = bytes.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
