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
import { type FilledOptions, fillOptions, type StreamOptions } from "./options.ts";

/** Calls on Stream (getstream.io): the agent is one of their participants. */
export class Edge implements EdgeInterface {
  readonly provider = "stream";
  /**
   * The address of Stream's demo application, or of the page that `demoUrl` names, for a call. Rejects with a
   * {@link StreamError}. Undefined with a `baseUrl` and no `demoUrl`: Stream's page reaches no emulator.
   */
  readonly demoLink?: (call: Call, request: InviteRequest) => Promise<string>;
  readonly #options: FilledOptions;
  readonly #coordinator: Coordinator;
  readonly #invitations: GuestTokens;
  readonly #over = new AbortController();
  readonly #connections = new Set<StreamConnection>();

  /** Throws a `TypeError` where an option is wrong, or a key is missing. */
  constructor(options: StreamOptions = {}) {
    this.#options = fillOptions(options);
    this.#coordinator = new Coordinator(this.#options);
    this.#invitations = new GuestTokens(this.#options, this.#coordinator);
    const { demoUrl } = this.#options;
    if (demoUrl !== null) {
      this.demoLink = (call, request) => this.#invitations.demoLink(call, request, demoUrl);
    }
  }

  /** Opens a connection to Stream's API, and checks the key: rejects with status 401 where it, or its secret, is wrong. */
  async warm(signal: AbortSignal): Promise<void> {
    await this.#coordinator.check(this.#until(signal));
  }

  /** Makes the agent's user and the call, or finds them. Rejects with a {@link StreamError}. */
  async createCall({ callType, callId, agentUser, signal }: CallRequest): Promise<Call> {
    const call = { callType, callId };
    const until = this.#until(signal);
    await this.#coordinator.upsertUser(agentUser, until);
    await this.#coordinator.getOrCreateCall(call, agentUser.id, until);
    return call;
  }

  /** Rejects with a {@link StreamError}, after the attempts that the options allow. */
  async join(call: Call, request: JoinRequest): Promise<Connection> {
    const { apiKey, attempts, baseUrl } = this.#options;
    const [sdk, factory] = await Promise.all([loadSdk(), threadMedia(baseUrl)]);
    const connection = await StreamConnection.join(
      { sdk, factory, coordinator: this.#coordinator, apiKey, attempts, call },
      { ...request, signal: this.#until(request.signal) },
    );
    this.#connections.add(connection);
    connection.onOver = () => this.#connections.delete(connection);
    return connection;
  }

  /** Resolves with what Stream's clients join with: `token` and `api_key`. Rejects with a {@link StreamError}. */
  joinToken(call: Call, request: JoinTokenRequest): Promise<JsonObject & { readonly token: string }> {
    return this.#invitations.joinToken(call, request);
  }

  /** Ends what is under way, and leaves the calls that were not left. */
  async close(): Promise<void> {
    this.#over.abort(new DOMException("The stream.Edge is closed", "AbortError"));
    await Promise.all([...this.#connections].map((connection) => connection.leave()));
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#over.signal]);
  }
}
