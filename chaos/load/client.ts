import { setTimeout as sleep } from "node:timers/promises";

export interface Reply {
  /** 0: there was no answer, or only a part of one. */
  readonly status: number;
  readonly code: string | null;
  readonly retryAfterMs: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes
  readonly body: any;
  readonly headers: Headers;
  /** The answer as text, for the timeline. */
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** The longest time that an answer is waited for, in milliseconds: longer than the balancer does. */
const defaultTimeoutMs = 45_000;

/** Asks the fleet, through its balancer. Never rejects. */
export class Client {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async ask(
    path: string,
    { method, json, headers, timeoutMs = defaultTimeoutMs, signal }: Ask = {},
  ): Promise<Reply> {
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.url + path, {
        method: method ?? (json === undefined ? "GET" : "POST"),
        headers: { ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
      const body = isJson ? JSON.parse(text) : null;
      const seconds = response.headers.get("retry-after");
      return {
        status: response.status,
        code: body?.code ?? null,
        retryAfterMs: seconds === null ? null : Number(seconds) * 1_000,
        body,
        headers: response.headers,
        text: `${response.status} ${body?.code ?? ""}`.trim(),
      };
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      const text = limit.aborted ? `no answer within ${timeoutMs} ms` : String(cause);
      return { status: 0, code: null, retryAfterMs: null, body: null, headers: new Headers(), text };
    }
  }
}

/** Waits before something is tried again: as the answer says, 2 s at the most, and a little apart from the others. */
export async function pauseAfter({ retryAfterMs }: Reply, jitter: number): Promise<void> {
  await sleep(Math.min(retryAfterMs ?? 300, 2_000) * (0.5 + jitter));
}
