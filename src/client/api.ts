import { asCallError, CallError, errorOf } from "./call-error.ts";

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

/** The longest waits for an answer of the server, in milliseconds. A start may wait for a thread, an offer for the agent. */
const startTimeoutMs = 20_000;
const offerTimeoutMs = 12_000;
const checkTimeoutMs = 5_000;

interface OfferAnswer {
  readonly sdp: string;
  readonly resource: string;
}

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

  /**
   * Makes an offer. Resolves with the answer: its SDP, and the name of the connection. `successor`: the replica whose agent takes up the
   * call; null: the one that has it.
   */
  async offer(
    session: SessionReference,
    name: string | undefined,
    offer: object,
    successor: string | null = null,
  ): Promise<OfferAnswer> {
    const body = { offer, ...(name && { user_name: name }) };
    const query = successor === null ? "" : `?successor=${encodeURIComponent(successor)}`;
    const path = `/sessions/${session.id}/offer${query}`;
    const request = { body, headers: tokenOf(session), timeoutMs: offerTimeoutMs };
    return ((await this.#ask("POST", path, request)) as { answer: OfferAnswer }).answer;
  }

  /** Returns whether the agent has a connection, for all that the server knows. Never rejects. */
  async knows(session: SessionReference, resource: string): Promise<boolean> {
    try {
      await this.offer(session, undefined, { type: "check", resource });
      return true;
    } catch (error) {
      const { status } = asCallError(error);
      return status === null || status === 429;
    }
  }

  /** Opens the WebSocket of a session. The token is a subprotocol, so that it is in no log. */
  socket({ id, token }: SessionReference, name: string | undefined, successor: string | null): WebSocket {
    const url = new URL(`${this.#base}/sessions/${id}/media`);
    url.protocol = url.protocol.replace("http", "ws");
    if (name) url.searchParams.set("user_name", name);
    if (successor !== null) url.searchParams.set("successor", successor);
    return new WebSocket(url, ["greenroom.v1", ...(token ? [`greenroom-token.${token}`] : [])]);
  }

  /** Rejects with `not_found` where the session is over, and with `unreachable` where nobody knows. */
  async check(session: SessionReference): Promise<void> {
    await this.#ask("GET", `/sessions/${session.id}`, {
      headers: tokenOf(session),
      timeoutMs: checkTimeoutMs,
    });
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
      timeoutMs = startTimeoutMs,
    }: { body?: object; headers?: Record<string, string>; keepalive?: boolean; timeoutMs?: number },
  ): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers: { ...headers, ...(body && { "Content-Type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        keepalive,
        signal: AbortSignal.timeout(timeoutMs),
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
