import type { AgentUser, Call } from "../../../agent/edge.ts";
import { keptConnections, overKeptConnections } from "../../../network/dispatcher.ts";
import { pause } from "../../../shared/back-off.ts";
import { within } from "../../../shared/deadline.ts";
import { retryAfter } from "../../../shared/retry-after.ts";
import { toJson, wellFormed } from "../../../shared/text/text.ts";
import { errorText, isPassingStatus, jsonObject, reasonIn, textOrNone } from "../../http/error-text.ts";
import { retryDelayMs } from "../call/retry-delay.ts";
import { StreamError, unreachable } from "../error.ts";
import { type FilledStreamOptions, videoUrl } from "../options.ts";
import { readAdmission, type SfuAdmission } from "./credentials.ts";
import { loadSdk } from "./sdk.ts";
import { StreamClock } from "./stream-clock.ts";

type SdkClient = InstanceType<Awaited<ReturnType<typeof loadSdk>>["StreamClient"]>;

export interface JoinCall {
  readonly call: Call;
  readonly userId: string;
  /** The SFU that the agent leaves. Default: none. */
  readonly migratingFrom?: string | undefined;
  /** The SFUs that could not be joined. Default: none. */
  readonly failedEdges?: readonly string[];
  readonly signal: AbortSignal;
}

export interface TokenRequest {
  readonly userId: string;
  readonly lifetimeSeconds: number;
  /** The only call that the token is valid for. Default: every call. */
  readonly call?: Call;
}

/** Stream's error numbers for tokens whose times do not fit its clock: expired, and issued in the future. */
const tokenExpired = 40;
const tokenTooEarly = 42;

/** The client of Stream's API for a server: users, calls, tokens, events, and the joins of the agent. */
export class Coordinator {
  readonly #options: FilledStreamOptions;
  #client: Promise<SdkClient> | null = null;
  #token: { readonly text: string; readonly userId: string; readonly goodUntil: number } | null = null;
  readonly #clock = new StreamClock();

  constructor(options: FilledStreamOptions) {
    this.#options = options;
  }

  /**
   * Asks once whether Stream accepts the key. It rejects with status 401 or 403 where the key or its secret
   * is wrong, and where there is no answer. It resolves for every other answer: a join will show whether that
   * matters.
   */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#ask("To check the key", signal, (client) => client.getApp(), 1);
    } catch (error) {
      const { status } = error as Partial<StreamError>;
      if (status === undefined || status === 401 || status === 403) throw error;
    }
  }

  /** Creates the user, or changes its name. */
  async upsertUser({ id, name }: AgentUser, signal: AbortSignal): Promise<void> {
    await this.#ask("To make the agent's user", signal, (client) =>
      client.upsertUsers([{ id, name: name.toWellFormed() }]),
    );
  }

  /** Creates the call, or finds it. */
  async getOrCreateCall({ callType, callId }: Call, createdBy: string, signal: AbortSignal): Promise<void> {
    await this.#ask("To make the call", signal, (client) =>
      client.video.getOrCreateCall({
        type: encodeURIComponent(callType),
        id: encodeURIComponent(callId),
        data: { created_by_id: createdBy },
      }),
    );
  }

  /**
   * Sends a custom event to everybody in the call. Stream accepts 5 KB of JSON. There is one attempt, so that
   * it does not arrive twice.
   */
  async sendEvent(
    { callType, callId }: Call,
    event: { readonly userId: string; readonly custom: Readonly<Record<string, unknown>> },
  ): Promise<void> {
    await this.#ask(
      "To send an event",
      // The request has no other limit than its own deadline.
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
   * Resolves with a token with which another client joins, valid from this second on by Stream's clock. A
   * refusal of that token would not be reported here; so where Stream's time is unknown it is asked for
   * first. Where that fails, this machine's clock is used.
   */
  async userToken(request: TokenRequest, signal?: AbortSignal): Promise<string> {
    if (!this.#clock.known) {
      await this.#ask("To learn the time", signal, (client) => client.getApp(), 1).catch(() => undefined);
      signal?.throwIfAborted();
    }
    return this.#sign(request);
  }

  /**
   * Asks for an SFU for a call. There is one attempt; only a token that Stream's clock finds expired or too
   * early is renewed, and sent once more. It rejects with a {@link StreamError}.
   */
  async join(request: JoinCall): Promise<SfuAdmission> {
    try {
      return await this.#join(request);
    } catch (error) {
      if (!(error instanceof StreamError) || !isClockError(error.number)) throw error;
      this.#token = null;
      return this.#join(request);
    }
  }

  async #join({ call, userId, migratingFrom, failedEdges = [], signal }: JoinCall): Promise<SfuAdmission> {
    const action = "To join a call";
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
      if (!response.ok) throw await this.#refusal(action, response);
      this.#clock.learn(response.headers.get("date"));
      return readAdmission(await response.json());
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof StreamError ? error : unreachable(action, error, "requestTimeoutMs");
    }
  }

  async #refusal(action: string, response: Response): Promise<StreamError> {
    const { status, headers } = response;
    const body = await response.text().catch(() => "");
    const { code, message, unrecoverable } = jsonObject(body);
    if (code === tokenTooEarly) this.#clock.tooEarly(headers.get("date"));
    else this.#clock.learn(headers.get("date"));
    return new StreamError(
      `${action}: Stream refused with ${status}: ${errorText(textOrNone(message) ?? reasonIn(body)) || "no reason"}`,
      {
        status,
        ...(typeof code === "number" ? { number: code } : {}),
        retryable: isPassingStatus(status) && unrecoverable !== true,
        retryAfterMs: retryAfter(headers.get("retry-after")),
      },
    );
  }

  /**
   * Resolves with the agent's own token. It is kept until a minute before its end, or for half of its
   * lifetime where that is shorter.
   */
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

  #sdk(): Promise<SdkClient> {
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

  /**
   * Makes a request that can be repeated without harm, and repeats it after failures that pass. It rejects
   * with a {@link StreamError}, or with the reason of the signal.
   */
  async #ask<T>(
    action: string,
    signal: AbortSignal | undefined,
    request: (client: SdkClient) => Promise<T>,
    attempts = this.#options.attempts,
  ): Promise<T> {
    const client = await this.#sdk();
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      try {
        // The SDK has a deadline of its own, but accepts no signal.
        const answer = await within(request(client), this.#options.requestTimeoutMs * 2, action, signal);
        this.#clock.learn(dateOf(answer));
        return answer;
      } catch (error) {
        this.#clock.learn(dateOf(error));
        if (signal?.aborted) throw signal.reason;
        const known = sdkError(action, error);
        if (!known.retryable || failures >= attempts) throw known;
        await pause(retryDelayMs(failures, known.retryAfterMs), { signal });
      }
    }
  }
}

const isClockError = (number: number | undefined): boolean =>
  number === tokenExpired || number === tokenTooEarly;

/** Returns the `Date` header of the SDK's answer, or of its error; null where there is none. */
function dateOf(answer: unknown): string | null {
  const { metadata } = answer as { readonly metadata?: { readonly responseHeaders?: Headers } };
  return metadata?.responseHeaders?.get("date") ?? null;
}

/** Makes a {@link StreamError} of an error of the SDK. */
function sdkError(action: string, error: unknown): StreamError {
  const { message, code, metadata, cause } = error as {
    readonly message?: unknown;
    /** Stream's error number, or the error that fetch threw. */
    readonly code?: unknown;
    readonly metadata?: { readonly responseCode?: unknown; readonly responseHeaders?: Headers };
    readonly cause?: unknown;
  };
  const status = metadata?.responseCode;
  if (typeof status !== "number")
    return unreachable(action, typeof code === "object" ? code : (cause ?? error), "requestTimeoutMs");
  return new StreamError(`${action}: Stream refused with ${status}: ${errorText(String(message))}`, {
    status,
    ...(typeof code === "number" ? { number: code } : {}),
    retryable: isPassingStatus(status),
    retryAfterMs: retryAfter(metadata?.responseHeaders?.get("retry-after")),
  });
}
