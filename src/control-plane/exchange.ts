import type Koa from "koa";
import type { ScopedSession } from "../api/scope.ts";
import { type PermissionName, permissions as permissionTable } from "../options/permissions.ts";
import { GreenroomError } from "../shared/errors.ts";
import type { JsonValue } from "../shared/protocol.ts";
import type { Session } from "../supervisor/session/session.ts";
import { userKey, userText } from "./access/created-by.ts";
import { RequestScope, type Subject } from "./access/scope.ts";
import { presentedToken } from "./access/session-token.ts";
import { starterOf } from "./access/starter.ts";
import type { ControlPlane } from "./control-plane.ts";
import { readJsonBody, type TextType } from "./http/body.ts";
import { notesOf } from "./http/request-notes.ts";
import type { Hop } from "./peers/connection/mark.ts";

/** The caller, as far as limits and logs are concerned. */
export interface Caller {
  readonly user: JsonValue;
  /** The key by which limits and idempotency keys are counted. */
  readonly key: string;
  /** The caller as text, for `close_requested_by`. */
  readonly text: string;
}

/** The result of judging a request: the session that the caller may act on, and the caller. */
export interface Judged {
  readonly session: Session;
  readonly caller: Caller;
  /** True where the caller came with the session's session_token. */
  readonly byToken: boolean;
}

/** The demands of an endpoint on its caller. */
export interface JudgedEndpoint {
  /** The permission that a caller must have for the session of the path. */
  readonly judgement?: PermissionName;
  /** True where a session token is accepted, although it does not give that permission elsewhere. */
  readonly opensByToken?: boolean;
  /** True where a request may be for the agent that is about to take over the session, with `?successor=`. */
  readonly reachesSuccessor?: boolean;
  /** The type of a body that is taken as a text, beside JSON. */
  readonly textBody?: TextType;
}

/** One request to an endpoint, from its first to its last byte. */
export class Exchange {
  readonly ctx: Koa.Context;
  readonly plane: ControlPlane;
  readonly params: Readonly<Record<string, string>>;
  readonly scope: RequestScope;
  /** The passing-on of the request by a peer; null where it comes from a client. */
  readonly hop: Hop | null;
  /** The session of the path where this replica is about to take it over, and the request is for the agent here; else undefined. */
  prepared: Session | undefined;
  readonly #endpoint: JudgedEndpoint;
  /** The session of the path, where it is one of another replica that is judged here. */
  #foreign: ScopedSession | undefined;
  /** True where the request was judged by a session_token. */
  #byToken = false;
  /** The scope that permissions see. For a session_token it is in the name of the caller who started the session. */
  #judgedScope: RequestScope;

  /** Takes the endpoint, whose judgement says what the caller must be allowed to do with the session of the path. */
  constructor(
    ctx: Koa.Context,
    plane: ControlPlane,
    params: Readonly<Record<string, string>>,
    endpoint: JudgedEndpoint,
  ) {
    this.ctx = ctx;
    this.plane = plane;
    this.params = params;
    this.#endpoint = endpoint;
    const { session_id: sessionId, call_id: callId } = params;
    const find = sessionId === undefined ? null : () => this.#foreign ?? this.#find(sessionId, callId);
    this.hop = notesOf(ctx).hop;
    this.scope = RequestScope.of(ctx.req, { ip: this.hop?.ip ?? ctx.ip, path: ctx.path }, { params, find });
    this.#judgedScope = this.scope;
  }

  /** Returns the same request anew, to be judged again. Its scope has to be released. */
  again(): Exchange {
    const again = new Exchange(this.ctx, this.plane, this.params, this.#endpoint);
    again.prepared = this.prepared;
    return again;
  }

  /**
   * Returns the replica that is about to take over the session, where the request is for the agent there, as a client's second connection
   * is while its call moves; else null. All other requests are for the agent that has the session.
   */
  get successor(): string | null {
    if (this.#endpoint.reachesSuccessor !== true) return null;
    const { successor } = this.ctx.query;
    return typeof successor === "string" && successor !== "" ? successor : null;
  }

  #find(sessionId: string, callId: string | undefined): Session | undefined {
    if (this.prepared === undefined) return this.plane.findSession(sessionId, callId);
    return callId === undefined || this.prepared.callId === callId ? this.prepared : undefined;
  }

  /** Returns whether the caller came with a session_token; it is known once the session of the path was judged. */
  get byToken(): boolean {
    return this.#byToken;
  }

  /** Returns the query as plain text. Where a name is given twice the last value counts. */
  get query(): Record<string, string> {
    return Object.fromEntries(this.scope.query);
  }

  /** Resolves with the caller. Rejects with the error that `getCurrentUser` throws. */
  async caller(): Promise<Caller> {
    const user = await this.plane.permissions.user(this.scope);
    if (user === null) return { user, key: `address ${this.scope.ip}`, text: "api" };
    return { user, key: `user ${userKey(user)}`, text: userText(user) };
  }

  /**
   * Resolves with the caller and the body. The caller is judged before errors of the body are reported, so that an
   * unknown caller learns only that they are unknown; yet `getCurrentUser` can see a body that is right.
   */
  async callerAndBody(): Promise<{ caller: Caller; body: JsonValue | undefined }> {
    const body = await this.#readBody();
    const caller = await this.caller();
    return { caller, body: body() };
  }

  /** Resolves as {@link judged} does, with the body. The caller is judged before errors of the body are reported. */
  async judgedWithBody(): Promise<Judged & { readonly body: JsonValue | undefined }> {
    const body = await this.#readBody();
    const judged = await this.judged();
    return { ...judged, body: body() };
  }

  /**
   * Resolves with the session of the path and the caller, where the caller may do with it what the endpoint does.
   * Rejects with the denial, or with the 404 of an unknown session where the caller may not view it either.
   */
  async judged(): Promise<Judged> {
    const { session_id: id = "", call_id: callId } = this.params;
    const session = this.#find(id, callId);
    const { caller, byToken } = await this.#judge(id, session);
    if (!session) throw new GreenroomError("SESSION_NOT_FOUND", id);
    notesOf(this.ctx).sessionId = session.id;
    return { session, caller, byToken };
  }

  /** Rejects as {@link judged} does for a session of another replica, which this one has to judge. */
  async judgeForeign(session: ScopedSession): Promise<void> {
    // A provider's route judges for itself, at the replica of the session.
    if (!this.#endpoint.judgement) return;
    const { call_id: callId } = this.params;
    if (callId === undefined || callId === session.callId) this.#foreign = session;
    await this.#judge(session.id, this.#foreign);
    if (!this.#foreign) throw new GreenroomError("SESSION_NOT_FOUND", session.id);
  }

  /**
   * Rejects where the caller is denied every session, whether this one exists or not. The caller of this method reports
   * that there is none.
   */
  async judgeUnknown(id: string): Promise<void> {
    if (!this.#endpoint.judgement) return;
    try {
      await this.#judge(id, undefined);
    } catch (error) {
      if (!GreenroomError.is(error) || error.code !== "SESSION_NOT_FOUND") throw error;
    }
  }

  /** Resolves with whether the caller, who may do something with the session of the path, may view it as well. */
  async mayView(): Promise<boolean> {
    return this.#endpoint.judgement !== undefined && this.plane.permissions.shows(this.#judgedScope);
  }

  /** Judges the caller, also where there is no such session: the answer must not reveal whether there is one. */
  async #judge(
    id: string,
    session: ScopedSession | undefined,
  ): Promise<{ readonly caller: Caller; readonly byToken: boolean }> {
    const { permissions, tokens, options } = this.plane;
    const { judgement, opensByToken = judgement && permissionTable[judgement].byToken } = this.#endpoint;
    if (!judgement) throw new Error(`${this.ctx.method} ${this.ctx.path} is not about a session`);
    const { headers, query } = this.scope;
    const byToken = opensByToken === true && tokens.accepts(id, presentedToken(headers, query));
    this.#byToken = byToken;
    const caller = byToken ? tokenCaller(id) : await this.caller();
    if (byToken && session)
      this.#judgedScope = this.scope.inNameOf(starterOf(session, options.getCurrentUser));
    // The bearer of a token for another replica's session knows that it exists; what happened to it is judged elsewhere.
    if (!byToken || !this.#foreign) await permissions.demandOfSession(judgement, this.#judgedScope, id);
    return { caller, byToken };
  }

  /** Returns the scope of one session of a list. */
  childScope(session: Session): RequestScope {
    const subject: Subject = {
      params: { session_id: session.id, call_id: session.callId },
      find: () => session,
    };
    return this.scope.child(subject);
  }

  /** Resolves with a function that returns the body, or throws its error later. */
  async #readBody(): Promise<() => JsonValue | undefined> {
    try {
      const body = await readJsonBody(this.ctx, notesOf(this.ctx).bodyHash, this.#endpoint.textBody);
      this.scope.body = body;
      return () => body;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }
}

function tokenCaller(sessionId: string): Caller {
  return { user: null, key: `token ${sessionId}`, text: "session_token" };
}
