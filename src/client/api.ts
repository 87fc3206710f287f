import { CallError, errorOf } from "./call-error.ts";

/** A session, as who started it knows it. */
export interface SessionReference {
  /** The `session_id` of the answer to `POST /sessions`. */
  readonly id: string;
  /** Its `session_token`. Leave it out where the page's cookies say who calls. */
  readonly token?: string | null;
}

/** The body of `POST /sessions`, with which a session is started. */
export interface StartOptions {
  /** The id of the call. Default: made up. */
  readonly callId?: string;
  /** The type of the call. Default: the server's. */
  readonly callType?: string;
  /** Data for the agent: `createAgent` and `joinCall` are given it. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The longest wait for an answer of the server, in milliseconds. A start may wait for a thread. */
const answerTimeoutMs = 20_000;

/** The requests of a call to the server. */
export class Api {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** Takes `base`, the address of the server with its prefix, and the `headers` of the start. */
  constructor(base: string, headers: Readonly<Record<string, string>>) {
    this.#base = base.replace(/\/+$/, "");
    this.#headers = headers;
  }

  async start({
    callId = `call-${crypto.randomUUID()}`,
    callType,
    config,
  }: StartOptions): Promise<SessionReference> {
    const body = { call_id: callId, ...(callType && { call_type: callType }), ...(config && { config }) };
    const answer = await this.#ask("POST", "/sessions", { body, headers: this.#headers });
    const { session_id: id, session_token: token } = answer as {
      session_id: string;
      session_token: string | null;
    };
    return { id, token };
  }

  /** Makes an offer. Resolves with the answer's SDP. */
  async offer(session: SessionReference, name: string | undefined, offer: object): Promise<string> {
    const body = { offer, ...(name && { user_name: name }) };
    const path = `/sessions/${session.id}/offer`;
    const { answer } = (await this.#ask("POST", path, { body, headers: tokenOf(session) })) as {
      answer: { sdp: string };
    };
    return answer.sdp;
  }

  /** Opens the WebSocket of a session. The token is a subprotocol, so that it is in no log. */
  socket({ id, token }: SessionReference, name: string | undefined): WebSocket {
    const url = new URL(`${this.#base}/sessions/${id}/media`);
    url.protocol = url.protocol.replace("http", "ws");
    if (name) url.searchParams.set("user_name", name);
    return new WebSocket(url, ["greenroom.v1", ...(token ? [`greenroom-token.${token}`] : [])]);
  }

  /** Rejects with `not_found` where the session is over, and with `unreachable` where nobody knows. */
  async check(session: SessionReference): Promise<void> {
    await this.#ask("GET", `/sessions/${session.id}`, { headers: tokenOf(session) });
  }

  /** Asks the session to close, also while the page goes away. */
  async close(session: SessionReference): Promise<void> {
    await this.#ask("DELETE", `/sessions/${session.id}`, { headers: tokenOf(session), keepalive: true });
  }

  async #ask(
    method: string,
    path: string,
    {
      body,
      headers = {},
      keepalive = false,
    }: { body?: object; headers?: Record<string, string>; keepalive?: boolean },
  ): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers: { ...headers, ...(body && { "Content-Type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        keepalive,
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
    } catch (cause) {
      throw new CallError("unreachable", "The server cannot be reached.", { cause });
    }
    if (!response.ok) throw await errorOf(response);
    return response.status === 204 ? null : response.json();
  }
}

const tokenOf = ({ token }: SessionReference): Record<string, string> =>
  token ? { "Greenroom-Session-Token": token } : {};
