import { setTimeout as delay } from "node:timers/promises";
import type { AgentUser, Call } from "../../../agent/edge.ts";
import { keptConnections, overKeptConnections } from "../../../network/dispatcher.ts";
import { within } from "../../../shared/deadline.ts";
import { retryAfter } from "../../../shared/retry-after.ts";
import { toJson, wellFormed } from "../../../shared/text.ts";
import { errorText, jsonObject, reasonIn, textOrNone } from "../../error-text.ts";
import { retryDelayMs } from "../call/retry-delay.ts";
import { passing, StreamError, unreachable } from "../error.ts";
import { type FilledOptions, videoUrl } from "../options.ts";
import { readAdmission, type SfuAdmission } from "./credentials.ts";
import { loadSdk } from "./sdk.ts";
import { StreamClock } from "./stream-clock.ts";

type Client = InstanceType<Awaited<ReturnType<typeof loadSdk>>["StreamClient"]>;

export interface JoinCall {
  readonly call: Call;
  readonly userId: string;
  /** The edge to get away from. Default none. */
  readonly migratingFrom?: string | undefined;
  /** Every edge that did not do. Default none. */
  readonly failedEdges?: readonly string[];
  readonly signal: AbortSignal;
}

export interface TokenRequest {
  readonly userId: string;
  readonly lifetimeSeconds: number;
  /** The only call that it is good for. Default: all. */
  readonly call?: Call;
}

/** Stream's numbers for tokens whose times do not fit its own: expired, and issued in the future. */
const tokenExpired = 40;
const tokenTooEarly = 42;

/** Stream's API, as a server speaks to it: users, calls, tokens, events, and the agent's own joins. */
export class Coordinator {
  readonly #options: FilledOptions;
  #client: Promise<Client> | null = null;
  #token: { readonly text: string; readonly userId: string; readonly goodUntil: number } | null = null;
  readonly #clock = new StreamClock();

  constructor(options: FilledOptions) {
    this.#options = options;
  }

  /**
   * Asks whether Stream lets us in, once: rejects with status 401 or 403 where the key or its secret is wrong, and where there
   * is no answer. Whatever else Stream says, the way is prepared, and joining will tell.
   */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#ask("To check the key", signal, (client) => client.getApp(), 1);
    } catch (error) {
      const { status } = error as Partial<StreamError>;
      if (status === undefined || status === 401 || status === 403) throw error;
    }
  }

  async upsertUser({ id, name }: AgentUser, signal: AbortSignal): Promise<void> {
    await this.#ask("To make the agent's user", signal, (client) =>
      client.upsertUsers([{ id, name: name.toWellFormed() }]),
    );
  }

  /** Makes the call, or finds it. */
  async getOrCreateCall({ callType, callId }: Call, createdBy: string, signal: AbortSignal): Promise<void> {
    await this.#ask("To make the call", signal, (client) =>
      client.video.getOrCreateCall({
        type: encodeURIComponent(callType),
        id: encodeURIComponent(callId),
        data: { created_by_id: createdBy },
      }),
    );
  }

  /** Sends everybody in the call an event of our own; Stream takes 5 KB of JSON. Tried once, so that none comes twice. */
  async sendEvent(
    { callType, callId }: Call,
    event: { readonly userId: string; readonly custom: Readonly<Record<string, unknown>> },
  ): Promise<void> {
    await this.#ask(
      "To send an event",
      // Its own deadline alone.
      undefined,
      (client) =>
        client.video.sendCallEvent({
          type: encodeURIComponent(callType),
          id: encodeURIComponent(callId),
          user_id: event.userId,
          custom: wellFormed({ ...event.custom }),
        }),
      1,
    );
  }

  /** Ends the call for everybody. */
  async endCall({ callType, callId }: Call, signal: AbortSignal): Promise<void> {
    await this.#ask("To end the call", signal, (client) =>
      client.video.endCall({ type: encodeURIComponent(callType), id: encodeURIComponent(callId) }),
    );
  }

  /**
   * A token with which somebody else joins: good from this second on by Stream's clock. Nobody here would hear of its refusal,
   * so where Stream's time is not known it is asked for first; where that fails, this machine's clock has to do.
   */
  async userToken(request: TokenRequest, signal?: AbortSignal): Promise<string> {
    if (!this.#clock.known) {
      await this.#ask("To learn the time", signal, (client) => client.getApp(), 1).catch(() => undefined);
      signal?.throwIfAborted();
    }
    return this.#sign(request);
  }

  /**
   * Asks for a place in a call, once; only a token that has expired, or comes too early by Stream's clock, is renewed, and
   * asked with again. The SFU decides afterwards, so whoever joins knows when to try another time. Rejects with a {@link StreamError}.
   */
  async join(request: JoinCall): Promise<SfuAdmission> {
    try {
      return await this.#join(request);
    } catch (error) {
      if (!(error instanceof StreamError) || !isOfClock(error.number)) throw error;
      this.#token = null;
      return this.#join(request);
    }
  }

  async #join({ call, userId, migratingFrom, failedEdges = [], signal }: JoinCall): Promise<SfuAdmission> {
    const doing = "To join a call";
    const { apiKey, baseUrl, requestTimeoutMs } = this.#options;
    const token = await this.#ownToken(userId);
    signal.throwIfAborted();
    const path = `${encodeURIComponent(call.callType)}/${encodeURIComponent(call.callId)}/join`;
    const query = new URLSearchParams({ api_key: apiKey, user_id: userId });
    try {
      const response = await fetch(`${baseUrl ?? videoUrl}/api/v2/video/call/${path}?${query}`, {
        method: "POST",
        headers: {
          authorization: token,
          "stream-auth-type": "jwt",
          "content-type": "application/json",
          "x-stream-client": "greenroom",
        },
        body: toJson({
          location: "auto",
          create: true,
          ...(migratingFrom === undefined ? {} : { migrating_from: migratingFrom }),
          ...(failedEdges.length === 0 ? {} : { migrating_from_list: failedEdges }),
        }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
        ...overKeptConnections(),
      });
      if (!response.ok) throw await this.#refusal(doing, response);
      this.#clock.learn(response.headers.get("date"));
      return readAdmission(await response.json());
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof StreamError ? error : unreachable(doing, error, "requestTimeoutMs");
    }
  }

  async #refusal(doing: string, response: Response): Promise<StreamError> {
    const { status, headers } = response;
    const said = await response.text().catch(() => "");
    const { code, message, unrecoverable } = jsonObject(said);
    if (code === tokenTooEarly) this.#clock.tooEarly(headers.get("date"));
    else this.#clock.learn(headers.get("date"));
    return new StreamError(
      `${doing}: Stream refused with ${status}: ${errorText(textOrNone(message) ?? reasonIn(said)) || "no reason"}`,
      {
        status,
        ...(typeof code === "number" ? { number: code } : {}),
        retryable: passing(status) && unrecoverable !== true,
        retryAfterMs: retryAfter(headers.get("retry-after")),
      },
    );
  }

  /** The agent's own token, kept until a minute before its end, or half of its life where that is shorter. */
  async #ownToken(userId: string): Promise<string> {
    if (this.#token?.userId === userId && this.#clock.seconds < this.#token.goodUntil)
      return this.#token.text;
    const { tokenLifetimeSeconds: lifetimeSeconds } = this.#options;
    const goodUntil = this.#clock.seconds + lifetimeSeconds - Math.min(60, lifetimeSeconds / 2);
    const text = await this.#sign({ userId, lifetimeSeconds });
    this.#token = { text, userId, goodUntil };
    return text;
  }

  async #sign({ userId, lifetimeSeconds, call }: TokenRequest): Promise<string> {
    const client = await this.#sdk();
    const claims = { user_id: userId, ...this.#clock.tokenTimes(lifetimeSeconds) };
    if (call === undefined) return client.generateUserToken(claims);
    return client.generateCallToken({ ...claims, call_cids: [`${call.callType}:${call.callId}`] });
  }

  #sdk(): Promise<Client> {
    const { apiKey, apiSecret, baseUrl, requestTimeoutMs } = this.#options;
    this.#client ??= loadSdk().then(
      ({ StreamClient }) =>
        new StreamClient(apiKey, apiSecret, {
          timeout: requestTimeoutMs,
          agent: keptConnections(),
          ...(baseUrl === null ? {} : { basePath: baseUrl }),
        }),
    );
    return this.#client;
  }

  /** A request that can be made twice without harm. */
  async #ask<T>(
    doing: string,
    signal: AbortSignal | undefined,
    request: (client: Client) => Promise<T>,
    attempts = this.#options.attempts,
  ): Promise<T> {
    const client = await this.#sdk();
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      try {
        // The SDK has a deadline of its own, but takes no signal.
        const answer = await within(request(client), this.#options.requestTimeoutMs * 2, doing, signal);
        this.#clock.learn(dateOf(answer));
        return answer;
      } catch (error) {
        this.#clock.learn(dateOf(error));
        if (signal?.aborted) throw signal.reason;
        const known = sdkError(doing, error);
        if (!known.retryable || failures >= attempts) throw known;
        await delay(retryDelayMs(failures, known.retryAfterMs), undefined, { signal });
      }
    }
  }
}

const isOfClock = (number: number | undefined): boolean =>
  number === tokenExpired || number === tokenTooEarly;

/** Returns the `Date` of the SDK's answer, or of its error; null where there was no answer. */
function dateOf(answer: unknown): string | null {
  const { metadata } = answer as { readonly metadata?: { readonly responseHeaders?: Headers } };
  return metadata?.responseHeaders?.get("date") ?? null;
}

/** An error of the SDK, by its fields. */
function sdkError(doing: string, error: unknown): StreamError {
  const { message, code, metadata, cause } = error as {
    readonly message?: unknown;
    /** Stream's number, or what fetch threw. */
    readonly code?: unknown;
    readonly metadata?: { readonly responseCode?: unknown; readonly responseHeaders?: Headers };
    readonly cause?: unknown;
  };
  const status = metadata?.responseCode;
  if (typeof status !== "number")
    return unreachable(doing, typeof code === "object" ? code : (cause ?? error), "requestTimeoutMs");
  return new StreamError(`${doing}: Stream refused with ${status}: ${errorText(String(message))}`, {
    status,
    ...(typeof code === "number" ? { number: code } : {}),
    retryable: passing(status),
    retryAfterMs: retryAfter(metadata?.responseHeaders?.get("retry-after")),
  });
}
