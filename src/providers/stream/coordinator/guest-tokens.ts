import type { Call, InviteRequest, JoinTokenRequest } from "../../../agent/edge.ts";
import type { Guest, JsonObject } from "../../../shared/protocol.ts";
import type { FilledOptions } from "../options.ts";
import type { Coordinator } from "./coordinator.ts";

/** The time for which the token in a demo link is good, in seconds. */
const demoSeconds = 3_600;

type Inviter = Pick<Coordinator, "upsertUser" | "userToken">;

/** Lets people into a call of Stream that an agent is in. */
export class GuestTokens {
  readonly #options: Pick<FilledOptions, "apiKey">;
  readonly #coordinator: Inviter;

  constructor(options: Pick<FilledOptions, "apiKey">, coordinator: Inviter) {
    this.#options = options;
    this.#coordinator = coordinator;
  }

  /**
   * Resolves with what Stream's clients join with, and until when. A guest who is new is made a user; all others are left
   * as they are, since Stream would replace whatever an application knows of them: their client brings their name.
   */
  async joinToken(
    call: Call,
    { guest, expiresInSeconds, signal }: JoinTokenRequest,
  ): Promise<JsonObject & { readonly token: string }> {
    await this.#welcome(guest, signal);
    const { callType, callId } = call;
    const token = await this.#coordinator.userToken(
      { userId: guest.id, lifetimeSeconds: expiresInSeconds, call: { callType, callId } },
      signal,
    );
    return { token, api_key: this.#options.apiKey, ...expiryOf(token) };
  }

  /** An address within `demoUrl`, which has the paths of Stream's demo application, for this call. The token in it is good for an hour. */
  async demoLink(
    { callType, callId }: Call,
    { guest, signal }: InviteRequest,
    demoUrl: string,
  ): Promise<string> {
    await this.#welcome(guest, signal);
    // The application watches more than the call, which a token for the call alone does not allow.
    const token = await this.#coordinator.userToken(
      { userId: guest.id, lifetimeSeconds: demoSeconds },
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

  async #welcome({ id, name, madeUp }: Guest, signal: AbortSignal): Promise<void> {
    if (madeUp) await this.#coordinator.upsertUser({ id, name }, signal);
  }
}

/** Returns when a token expires by Stream's clock, which this machine's may differ from by minutes. */
function expiryOf(token: string): { readonly expires_at?: string } {
  const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString() || "{}");
  return typeof exp === "number" ? { expires_at: new Date(exp * 1_000).toISOString() } : {};
}
