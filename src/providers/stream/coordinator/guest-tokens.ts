import type { Call, InviteRequest, JoinTokenRequest } from "../../../agent/edge.ts";
import type { Guest, JsonObject } from "../../../shared/protocol.ts";
import type { FilledStreamOptions } from "../options.ts";
import type { Coordinator } from "./coordinator.ts";

/** The lifetime of the token in a demo link, in seconds. */
const demoTokenSeconds = 3_600;

type TokenCoordinator = Pick<Coordinator, "upsertUser" | "userToken">;

/** Makes the tokens and links with which guests join an agent's call. */
export class GuestTokens {
  readonly #options: Pick<FilledStreamOptions, "apiKey">;
  readonly #coordinator: TokenCoordinator;

  constructor(options: Pick<FilledStreamOptions, "apiKey">, coordinator: TokenCoordinator) {
    this.#options = options;
    this.#coordinator = coordinator;
  }

  /**
   * Resolves with the token with which Stream's clients join, its API key and its expiry. A guest whose id
   * was generated is created as a user. Other users are left as they are, since Stream would replace what an
   * application stored about them. It rejects with a {@link StreamError}.
   */
  async joinToken(
    call: Call,
    { guest, expiresInSeconds, signal }: JoinTokenRequest,
  ): Promise<JsonObject & { readonly token: string }> {
    await this.#createUser(guest, signal);
    const { callType, callId } = call;
    const token = await this.#coordinator.userToken(
      { userId: guest.id, lifetimeSeconds: expiresInSeconds, call: { callType, callId } },
      signal,
    );
    return { token, api_key: this.#options.apiKey, ...expiryOf(token) };
  }

  /**
   * Resolves with a link to the call at `demoUrl`, a page with the paths of Stream's demo application. Its
   * token is valid for an hour. It rejects with a {@link StreamError}.
   */
  async demoLink(
    { callType, callId }: Call,
    { guest, signal }: InviteRequest,
    demoUrl: string,
  ): Promise<string> {
    await this.#createUser(guest, signal);
    // The application also reads data outside of the call, which a token for the call alone does not allow.
    const token = await this.#coordinator.userToken(
      { userId: guest.id, lifetimeSeconds: demoTokenSeconds },
      signal,
    );
    const { apiKey } = this.#options;
    const query = new URLSearchParams({
      api_key: apiKey,
      token,
      skip_lobby: "true",
      user_id: guest.id,
      user_name: guest.name,
      ...(callType === "default" ? {} : { type: callType }),
    });
    return `${demoUrl}/join/${encodeURIComponent(callId)}?${query}`;
  }

  async #createUser({ id, name, madeUp }: Guest, signal: AbortSignal): Promise<void> {
    if (madeUp) await this.#coordinator.upsertUser({ id, name }, signal);
  }
}

/** Returns when a token expires by Stream's clock, from which this machine's may differ by minutes. */
function expiryOf(token: string): { readonly expires_at?: string } {
  const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString() || "{}");
  return typeof exp === "number" ? { expires_at: new Date(exp * 1_000).toISOString() } : {};
}
