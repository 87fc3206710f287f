import type { IncomingMessage } from "node:http";
import { type Check, checkValue, isObject, key, text, url } from "../../agent/options/option-checks.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import {
  type CompatibleService,
  type CompatibleServiceName,
  compatibleServices,
  isServiceName,
  unnamedService,
} from "../../shared/providers/compatible-services.ts";
import { fromEnvironment } from "../../shared/providers/provider-table.ts";
import { keyFrom } from "../access.ts";
import { refusalText, wholeText } from "../http/body.ts";
import { Connections, connectionFreed } from "../http/connections.ts";
import { isStale } from "../http/request.ts";
import { asFailure, type ErrorOwner, OpenAICompatibleError, refusal } from "./error.ts";

/** The options of how a service is reached, which models, recognisers and voices share. */
export interface EndpointOptions {
  /**
   * The name of a service that is known: its address, the variable that holds its key, and how it differs from OpenAI.
   * @default none: `baseUrl` says which
   */
  readonly service?: CompatibleServiceName;
  /**
   * The address of the API, such as `http://127.0.0.1:8080/v1`, to which `/chat/completions` and the like are added.
   * @default that of the service
   */
  readonly baseUrl?: string;
  /**
   * The key.
   * @default the environment's variable of the service; without a service `OPENAI_COMPATIBLE_API_KEY`, or none
   */
  readonly apiKey?: string;
  /**
   * Headers of each request, beside those of the protocol.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * The query of each address, such as `{ "api-version": "2024-10-21" }`.
   * @default none
   */
  readonly query?: Readonly<Record<string, string>>;
}

const texts = (expected: string): Check => ({
  fits: (value) => isObject(value) && Object.values(value).every((one) => typeof one === "string"),
  expected,
});

/** A name that can be sent as a header, and a value too. */
const headers: Check = {
  fits: (value) =>
    isObject(value) &&
    Object.entries(value).every(
      ([name, one]) =>
        /^[\w!#$%&'*+.^`|~-]+$/.test(name) &&
        typeof one === "string" &&
        /^[\t\x20-\x7e\x80-\xff]*$/.test(one),
    ),
  expected: "an object of headers",
  secret: true,
};

export const endpointChecks = {
  service: {
    fits: (value: unknown) => typeof value === "string" && isServiceName(value),
    expected: `one of ${Object.keys(compatibleServices).join(", ")}`,
  },
  baseUrl: url("http", "https"),
  apiKey: key,
  headers,
  query: texts("an object of texts"),
} as const satisfies Record<keyof EndpointOptions, Check>;

/** The longest list of models that is read, in bytes. */
const longestList = 2_097_152;
const warmTimeoutMs = 10_000;

/** One request to the service. */
export interface EndpointRequest {
  /** JSON, or the parts of a form. */
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly accept: string;
  readonly signal: AbortSignal;
}

/** The way to a service: its address, its key, its connections. Each user calls {@link Endpoint.close} once. */
export class Endpoint implements ErrorOwner {
  readonly service: CompatibleService;
  /** The name of the service, as metrics have it. */
  readonly provider: string;
  readonly secrets: readonly string[];
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #query: string;
  readonly #connections: Connections;

  /** Throws a `TypeError` where there is no address, or no key where one is needed. @param owner The class. */
  constructor(owner: string, options: EndpointOptions) {
    const { service, headers: own = {}, query = {} } = options;
    const known: CompatibleService | null = service === undefined ? null : compatibleServices[service];
    const given = options.baseUrl ?? known?.baseUrl ?? null;
    if (given === null) {
      const which = known === null ? "a service or a baseUrl" : `a baseUrl for ${known.title}`;
      throw new TypeError(`${owner}: give ${which}`);
    }
    this.service = known ?? unnamedService(given);
    this.provider = service ?? "openai-compatible";
    this.#baseUrl = withPath(given, this.service.path);
    const apiKey = keyOf(owner, options, this.service);
    const { keyHeader } = this.service;
    const sent = keyHeader === undefined ? { authorization: `Bearer ${apiKey}` } : { [keyHeader]: apiKey };
    const lower = Object.entries(own).map(([name, value]) => [name.toLowerCase(), value]);
    this.#headers = { ...(apiKey === "" ? {} : sent), ...Object.fromEntries(lower) };
    this.#query = new URLSearchParams(query).toString();
    this.secrets = [apiKey, ...Object.values(own), ...Object.values(query)];
    this.#connections = Connections.to(this.#baseUrl).hold();
  }

  get title(): string {
    return this.service.title;
  }

  get closed(): boolean {
    return this.#connections.closed;
  }

  /**
   * Sends a request. It resolves with a response of success, once its head is there. It rejects with an
   * {@link OpenAICompatibleError} or a `RefusalError`, or the reason of the signal.
   */
  async post(path: string, { body, contentType, accept, signal }: EndpointRequest): Promise<IncomingMessage> {
    const incoming = await this.#send("POST", path, {
      headers: { "content-type": contentType, accept },
      body,
      signal,
    });
    const status = incoming.statusCode ?? 502;
    if (status >= 200 && status < 300) return incoming;
    throw refusal(this, { status, headers: incoming.headers, text: await refusalText(incoming) });
  }

  /** Returns the address of a WebSocket, and the headers of its handshake. */
  webSocket(path: string, query: Readonly<Record<string, string>>) {
    const all = new URLSearchParams([...new URLSearchParams(this.#query), ...Object.entries(query)]);
    return { url: `${this.#baseUrl.replace(/^http/, "ws")}${path}?${all}`, headers: this.#headers };
  }

  /** Opens a connection by asking for the models. It rejects where the key is wrong, or the service knows no such model. */
  async warm(model: string, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(warmTimeoutMs);
    try {
      const all = AbortSignal.any([signal, deadline]);
      const incoming = await this.#send("GET", "/models", {
        headers: { accept: "application/json" },
        signal: all,
      });
      const status = incoming.statusCode ?? 502;
      if (status >= 400) {
        const error = refusal(this, { status, headers: incoming.headers, text: await refusalText(incoming) });
        // A service without a list of models answers 404, and takes requests all the same.
        if (status === 401 || status === 403 || status >= 500) throw error;
        return;
      }
      const list = await wholeText(incoming, longestList).catch(leaveOut);
      await connectionFreed();
      if (this.service.listsModels) this.#checkModel(model, list);
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.aborted)
        throw new DeadlineError(`To reach ${this.title} took longer than ${warmTimeoutMs} ms`);
      throw asFailure(this, error);
    }
  }

  /** Opens a connection for a request to come. It never rejects. */
  prepare(): void {
    if (!this.closed) this.#connections.prepare().catch(() => undefined);
  }

  close(): void {
    this.#connections.release();
  }

  async #send(
    method: string,
    path: string,
    {
      headers: more,
      body,
      signal,
    }: Pick<EndpointRequest, "signal"> &
      Partial<Pick<EndpointRequest, "body">> & { headers: Record<string, string> },
  ): Promise<IncomingMessage> {
    const address = `${this.#baseUrl}${path}${this.#query === "" ? "" : `?${this.#query}`}`;
    const headers = { ...more, ...this.#headers };
    for (;;) {
      try {
        return await this.#connections.request(address, { method, headers, body, signal });
      } catch (error) {
        signal.throwIfAborted();
        // The kept connection had been closed. The next attempt uses another one, in the end a new one.
        if (isStale(error) && !this.closed) continue;
        throw asFailure(this, error);
      }
    }
  }

  #checkModel(model: string, list: string): void {
    const names = modelsIn(list);
    // Ollama's names have a tag, which is `latest` where it is left out.
    if (names.length === 0 || names.includes(model) || names.includes(`${model}:latest`)) return;
    const known = `${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`;
    throw new OpenAICompatibleError(`${this.title} has no model ${model}: it has ${known}`, {
      kind: "model",
      status: 404,
      code: "model_not_found",
    });
  }
}

/** Checks the name of a model. */
export function checkModel(owner: string, model: unknown): asserts model is string {
  const fits = (value: unknown) => text.fits(value) && /^[\x21-\x7e]{1,256}$/.test(value as string);
  checkValue(`${owner}: the first argument`, model, { fits, expected: "the name of a model" });
}

function keyOf(
  owner: string,
  { apiKey, headers: own = {} }: EndpointOptions,
  service: CompatibleService,
): string {
  const header = service.keyHeader ?? "authorization";
  // Another way to be let in, such as a token of Azure, is in the headers.
  const inHeaders = ["authorization", header].some((name) =>
    Object.keys(own).some((given) => given.toLowerCase() === name),
  );
  const optional = !service.needsKey || inHeaders;
  if (apiKey === undefined && optional && (inHeaders || fromEnvironment(service.apiKey) === undefined))
    return "";
  return keyFrom(owner, apiKey, service.apiKey);
}

function withPath(given: string, path: string): string {
  const address = given.replace(/\/+$/, "");
  return new URL(address).pathname === "/" ? `${address}${path}` : address;
}

/** Returns no text in place of a list that is too long to be read. */
function leaveOut(error: unknown): string {
  if (error instanceof RangeError) return "";
  throw error;
}

/** Returns the names in a list of models: `{"data": [{"id"}]}`, or the list alone. */
function modelsIn(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    const list = Array.isArray(value) ? value : (value as { readonly data?: unknown } | null)?.data;
    if (!Array.isArray(list)) return [];
    return list
      .map((one) => (one as { readonly id?: unknown } | null)?.id)
      .filter((id) => typeof id === "string");
  } catch {
    return [];
  }
}
