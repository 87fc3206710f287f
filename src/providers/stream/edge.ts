import type {
  Call,
  CallRequest,
  Connection,
  Edge as EdgeInterface,
  InviteRequest,
  JoinRequest,
  JoinTokenRequest,
} from "../../agent/edge.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import { StreamConnection } from "./connection.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import { GuestTokens } from "./coordinator/guest-tokens.ts";
import { loadSdk } from "./coordinator/sdk.ts";
import { threadMedia } from "./media/thread-media.ts";
import { type FilledStreamOptions, fillOptions, type StreamOptions } from "./options.ts";

/**
 * The edge for calls on Stream (getstream.io): the agent is one of the participants.
 *
 * ```ts
 * const edge = new stream.Edge();
 * ```
 */
export interface Edge extends EdgeInterface {
  readonly provider: "stream";
  /**
   * Opens a connection to Stream's API and checks the key.
   * @throws a `StreamError`, whose status is 401 where the key or its secret is wrong
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Creates the agent's user and the call, or finds them.
   * @throws a `StreamError`
   */
  createCall(request: CallRequest): Promise<Call>;
  /**
   * Joins the call.
   * @throws a `StreamError` after the attempts that the options allow, or the reason of the signal
   */
  join(call: Call, request: JoinRequest): Promise<Connection>;
  /**
   * Resolves with the fields with which Stream's clients join: `token` and `api_key`.
   * @throws a `StreamError`
   */
  joinToken(call: Call, request: JoinTokenRequest): Promise<JsonObject & { readonly token: string }>;
  /**
   * Resolves with the address of Stream's demo application, or of the page at `demoUrl`, for a call. It is undefined with a
   * `baseUrl` and no `demoUrl`, since Stream's page cannot reach an emulator.
   * @throws a `StreamError`
   */
  readonly demoLink?: (call: Call, request: InviteRequest) => Promise<string>;
  /** Aborts what is under way, and leaves all calls that were not left. */
  close(): Promise<void>;
}

class StreamEdge implements Edge {
  readonly provider = "stream";
  readonly rejoins = true;
  readonly demoLink?: (call: Call, request: InviteRequest) => Promise<string>;
  readonly #options: FilledStreamOptions;
  readonly #coordinator: Coordinator;
  readonly #guestTokens: GuestTokens;
  readonly #closed = new AbortController();
  readonly #connections = new Set<StreamConnection>();

  constructor(options: StreamOptions = {}) {
    this.#options = fillOptions(options);
    this.#coordinator = new Coordinator(this.#options);
    this.#guestTokens = new GuestTokens(this.#options, this.#coordinator);
    const { demoUrl } = this.#options;
    if (demoUrl !== null) {
      this.demoLink = (call, request) => this.#guestTokens.demoLink(call, request, demoUrl);
    }
  }

  async warm(signal: AbortSignal): Promise<void> {
    await this.#coordinator.check(this.#withClose(signal));
  }

  async createCall({ callType, callId, agentUser, signal }: CallRequest): Promise<Call> {
    const call = { callType, callId };
    const until = this.#withClose(signal);
    await this.#coordinator.upsertUser(agentUser, until);
    await this.#coordinator.getOrCreateCall(call, agentUser.id, until);
    return call;
  }

  async join(call: Call, request: JoinRequest): Promise<Connection> {
    const { apiKey, attempts, baseUrl } = this.#options;
    const [sdk, factory] = await Promise.all([loadSdk(), threadMedia(baseUrl)]);
    const connection = await StreamConnection.join(
      { sdk, factory, coordinator: this.#coordinator, apiKey, attempts, call },
      { ...request, signal: this.#withClose(request.signal) },
    );
    this.#connections.add(connection);
    connection.onEnd = () => this.#connections.delete(connection);
    return connection;
  }

  joinToken(call: Call, request: JoinTokenRequest): Promise<JsonObject & { readonly token: string }> {
    return this.#guestTokens.joinToken(call, request);
  }

  async close(): Promise<void> {
    this.#closed.abort(new DOMException("The stream.Edge is closed", "AbortError"));
    await Promise.all([...this.#connections].map((connection) => connection.leave()));
  }

  #withClose(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closed.signal]);
  }
}

/** @throws a `TypeError` where an option is wrong, or a key is missing */
export const Edge: new (options?: StreamOptions) => Edge = StreamEdge;
