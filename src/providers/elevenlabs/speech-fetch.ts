import type { IncomingMessage } from "node:http";
import { cutText } from "../../shared/text/text.ts";
import { refusalText } from "../http/body.ts";
import type { Connections } from "../http/connections.ts";
import { pieces, textOf, wholeLines } from "./body.ts";
import { ElevenlabsError, refusal } from "./error.ts";
import { open } from "./requests.ts";

/** The part of fetch's options that the SDK gives. */
export interface SdkRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** The part of fetch's response that the SDK reads. */
export interface SdkResponse {
  readonly status: number;
  readonly headers: unknown;
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/** The response that tells the SDK only that a request failed; {@link SpeechFetch.failure} has the reason. */
const failed: SdkResponse = { status: 599, headers: {}, body: null, text: async () => "" };

/**
 * The `fetch` of one request of the SDK. It never rejects, since the SDK clears its timer only after a
 * response, and each rejection would leave one running. The error is in `failure`, complete, unlike the SDK's
 * own.
 */
export class SpeechFetch {
  readonly #connections: Connections;
  readonly #idleTimeoutMs: number;
  readonly #content: "audio" | "lines";
  #failure: unknown = null;

  constructor(connections: Connections, content: "audio" | "lines", idleTimeoutMs: number) {
    this.#connections = connections;
    this.#content = content;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Returns the error with which the request failed; null while it has not failed. */
  get failure(): unknown {
    return this.#failure;
  }

  async fetch(url: string, request: SdkRequest): Promise<SdkResponse> {
    try {
      const incoming = await open(this.#connections, url, request);
      const body = await this.#bodyOf(incoming);
      return {
        status: incoming.statusCode ?? 200,
        headers: incoming.headers,
        body,
        text: () => textOf(incoming),
      };
    } catch (error) {
      this.#failure = error;
      return failed;
    }
  }

  async #bodyOf(incoming: IncomingMessage): Promise<AsyncIterable<Uint8Array>> {
    const status = incoming.statusCode ?? 0;
    // The SDK would treat a redirect as sound.
    if (status < 200 || status > 299) {
      throw refusal({ status, headers: incoming.headers, text: await refusalText(incoming) });
    }
    const body = pieces(incoming, this.#idleTimeoutMs);
    if (this.#content === "lines") return wholeLines(body);
    const type = incoming.headers["content-type"] ?? "";
    if (/^(text\/|application\/json)/i.test(type)) {
      incoming.destroy();
      throw new ElevenlabsError(`ElevenLabs answered with ${cutText(type, 80)} instead of sound`, {
        kind: "server",
        code: "bad_answer",
      });
    }
    return body;
  }
}
