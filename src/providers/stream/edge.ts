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

/** The edge for calls on Stream (getstream.io): the agent is one of the participants. */
export class Edge implements EdgeInterface {
  readonly provider = "stream";
  /**
   * Resolves with the address of Stream's demo application, or of the page at `demoUrl`, for a call. It
   * rejects with a {@link StreamError}. It is undefined with a `baseUrl` and no `demoUrl`, since Stream's
   * page cannot reach an emulator.
   */
  readonly demoLink?: (call: Call, request: InviteRequest) => Promise<string>;
  readonly #options: FilledStreamOptions;
  readonly #coordinator: Coordinator;
  readonly #guestTokens: GuestTokens;
  readonly #closed = new AbortController();
  readonly #connections = new Set<StreamConnection>();

  /** Throws a `TypeError` where an option is wrong, or a key is missing. */
  constructor(options: StreamOptions = {}) {
    this.#options = fillOptions(options);
    this.#coordinator = new Coordinator(this.#options);
    this.#guestTokens = new GuestTokens(this.#options, this.#coordinator);
    const { demoUrl } = this.#options;
    if (demoUrl !== null) {
      this.demoLink = (call, request) => this.#guestTokens.demoLink(call, request, demoUrl);
    }
  }

  /**
   * Opens a connection to Stream's API and checks the key. It rejects with status 401 where the key or its
   * secret is wrong.
   */
  async warm(signal: AbortSignal): Promise<void> {
    await this.#coordinator.check(this.#withClose(signal));
  }

  /** Creates the agent's user and the call, or finds them. It rejects with a {@link StreamError}. */
  async createCall({ callType, callId, agentUser, signal }: CallRequest): Promise<Call> {
    const call = { callType, callId };
    const until = this.#withClose(signal);
    await this.#coordinator.upsertUser(agentUser, until);
    await this.#coordinator.getOrCreateCall(call, agentUser.id, until);
    return call;
  }

  /**
   * Joins the call. It rejects with a {@link StreamError} after the attempts that the options allow, or with
   * the reason of the signal.
   */
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

  /**
   * Resolves with the fields with which Stream's clients join: `token` and `api_key`. It rejects with a
   * {@link StreamError}.
   */
  joinToken(call: Call, request: JoinTokenRequest): Promise<JsonObject & { readonly token: string }> {
    return this.#guestTokens.joinToken(call, request);
  }

  /** Aborts what is under way, and leaves all calls that were not left. */
  async close(): Promise<void> {
    this.#closed.abort(new DOMException("The stream.Edge is closed", "AbortError"));
    await Promise.all([...this.#connections].map((connection) => connection.leave()));
  }

  #withClose(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closed.signal]);
  }
}
