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

/** A session that the caller may do with what the endpoint does. */
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
  /** True where a session token opens it, although it does not give that permission elsewhere. */
  readonly opensByToken?: boolean;
  /** The type of a body that is taken as a text, beside JSON. */
  readonly textBody?: TextType;
}

/** One request to an endpoint, from its first to its last byte. */
export class Exchange {
  readonly ctx: Koa.Context;
  readonly plane: ControlPlane;
  readonly params: Readonly<Record<string, string>>;
  readonly scope: RequestScope;
  /** The peer that passed it on; null where it comes from a client. */
  readonly hop: Hop | null;
  readonly #endpoint: JudgedEndpoint;
  /** The session of the path, where it is one of another replica that is judged here. */
  #foreign: ScopedSession | undefined;
  /** The request was judged by a session_token. */
  #byToken = false;
  /** The scope that permissions see: for the bearer of a session_token it is in the name of who started the session. */
  #judgedScope: RequestScope;

  /** Takes the endpoint, whose judgement is what the caller must be allowed to do with the session of the path. */
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
    const find = sessionId === undefined ? null : () => this.#foreign ?? plane.findSession(sessionId, callId);
    this.hop = notesOf(ctx).hop;
    this.scope = RequestScope.of(ctx.req, { ip: this.hop?.ip ?? ctx.ip, path: ctx.path }, { params, find });
    this.#judgedScope = this.scope;
  }

  /**
   * Returns the same request once more, of which nothing is known yet: to be judged again. Its scope is to be released.
   */
  again(): Exchange {
    return new Exchange(this.ctx, this.plane, this.params, this.#endpoint);
  }

  /** Returns whether the caller came with a session_token; it is known once the session of the path was judged. */
  get byToken(): boolean {
    return this.#byToken;
  }

  /** The query as plain text: of a name that is given twice, the last one. */
  get query(): Record<string, string> {
    return Object.fromEntries(this.scope.query);
  }

  /** Returns the caller. Throws what `getCurrentUser` throws. */
  async caller(): Promise<Caller> {
    const user = await this.plane.permissions.user(this.scope);
    if (user === null) return { user, key: `address ${this.scope.ip}`, text: "api" };
    return { user, key: `user ${userKey(user)}`, text: userText(user) };
  }

  /**
   * Returns the caller and the body. A stranger learns that they are one before they learn what is wrong with the body; yet
   * `getCurrentUser` can see a body that is right.
   */
  async callerAndBody(): Promise<{ caller: Caller; body: JsonValue | undefined }> {
    const body = await this.#readBody();
    const caller = await this.caller();
    return { caller, body: body() };
  }

  /** Returns the same as {@link judged}, and the body. The caller is judged before they are told of flaws in it. */
  async judgedWithBody(): Promise<Judged & { readonly body: JsonValue | undefined }> {
    const body = await this.#readBody();
    const judged = await this.judged();
    return { ...judged, body: body() };
  }

  /**
   * The session of the path, where the caller may do with it what the endpoint does. Throws what denies them that; the 404 of
   * an unknown session where they may not view it either.
   */
  async judged(): Promise<Judged> {
    const { session_id: id = "", call_id: callId } = this.params;
    const session = this.plane.findSession(id, callId);
    const { caller, byToken } = await this.#judge(id, session);
    if (!session) throw new GreenroomError("SESSION_NOT_FOUND", id);
    notesOf(this.ctx).sessionId = session.id;
    return { session, caller, byToken };
  }

  /** Throws as {@link judged} does for a session of another replica, which this one has to judge. */
  async judgeForeign(session: ScopedSession): Promise<void> {
    // A provider's route judges for itself, where the session is.
    if (!this.#endpoint.judgement) return;
    const { call_id: callId } = this.params;
    if (callId === undefined || callId === session.callId) this.#foreign = session;
    await this.#judge(session.id, this.#foreign);
    if (!this.#foreign) throw new GreenroomError("SESSION_NOT_FOUND", session.id);
  }

  /** Throws what denies the caller any session, be there one or not. That there is none is left to be told. */
  async judgeUnknown(id: string): Promise<void> {
    if (!this.#endpoint.judgement) return;
    try {
      await this.#judge(id, undefined);
    } catch (error) {
      if (!GreenroomError.is(error) || error.code !== "SESSION_NOT_FOUND") throw error;
    }
  }

  /** Resolves with whether the caller may view the session of the path, which they may do something else with. */
  async mayView(): Promise<boolean> {
    return this.#endpoint.judgement !== undefined && this.plane.permissions.shows(this.#judgedScope);
  }

  /** Judges the caller, also where there is no such session: the answer, an error above all, must not tell. */
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
    // Of another replica's session its bearer knows already that there is one; what it came to is for those who may view it.
    if (!byToken || !this.#foreign) await permissions.demandOfSession(judgement, this.#judgedScope, id);
    return { caller, byToken };
  }

  /** The scope of one session of a list. */
  childScope(session: Session): RequestScope {
    const subject: Subject = {
      params: { session_id: session.id, call_id: session.callId },
      find: () => session,
    };
    return this.scope.child(subject);
  }

  /** The body, or what is wrong with it, for later. */
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
