import { Store } from "./store.ts";

/** The address of the server, under whatever prefix it is mounted. */
const base = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** The identity of the page to the server. The key is kept nowhere else. */
export interface Access {
  readonly key: string | null;
  /** True where the server asks for a key, and this one will not do. */
  readonly isAsked: boolean;
}
export const access = new Store<Access>({ key: null, isAsked: false });

/** The time by which the server's clock is ahead of this one, in milliseconds, to a second. */
let aheadMs = 0;
/** Returns the time by the server's clock, in epoch milliseconds. */
export const serverNow = (): number => Date.now() + aheadMs;

/** An answer that is no success. `status` is 0 where there was none. `message` is a sentence for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  /** The reason for which the session ended that was asked for; null where it has not. */
  readonly endReason: string | null;

  constructor(message: string, details: { status?: number; code?: string; endReason?: string | null } = {}) {
    super(message);
    this.status = details.status ?? 0;
    this.code = details.code ?? "UNREACHABLE";
    this.endReason = details.endReason ?? null;
  }

  /** Tells whether trying again may help: the server is away, busy or broken. */
  get mayPass(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface Ask {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly json?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The longest wait for the whole answer, in milliseconds; null for a stream. Default: 15 s. */
  readonly timeoutMs?: number | null;
}

/** Sends a request in the name of who signed in. Rejects with an {@link ApiError}, or with the reason of the signal. */
export async function ask(
  path: string,
  { method = "GET", json, headers, signal, timeoutMs = 15_000 }: Ask = {},
): Promise<Response> {
  const { key } = access.value;
  const limits = [signal, timeoutMs === null ? undefined : AbortSignal.timeout(timeoutMs)];
  let response: Response;
  try {
    response = await fetch(base + path, {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(json && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(json && { body: JSON.stringify(json) }),
      signal: AbortSignal.any(limits.filter((limit) => limit !== undefined)),
      cache: "no-store",
    });
  } catch (error) {
    signal?.throwIfAborted();
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(isLate ? "The server takes too long to answer." : "The server cannot be reached.");
  }
  noteClock(response);
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.status === 401 && access.value.key === key) access.set({ key, isAsked: true });
  throw error;
}

export async function askJson<T>(path: string, options?: Ask): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}

function noteClock(response: Response): void {
  const at = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(at) && Math.abs(at + 500 - serverNow()) > 1_500) aheadMs = at + 500 - Date.now();
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  let problem: { readonly code?: unknown; readonly detail?: unknown; readonly end_reason?: unknown } = {};
  try {
    problem = (await response.json()) as typeof problem;
  } catch {
    // A proxy in between answered.
  }
  const message = typeof problem.detail === "string" ? problem.detail : `The server answered with ${status}`;
  return new ApiError(message, {
    status,
    code: String(problem.code),
    endReason: typeof problem.end_reason === "string" ? problem.end_reason : null,
  });
}
