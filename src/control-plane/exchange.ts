import type Koa from "koa";
import { GreenroomError } from "../errors.ts";
import type { JsonValue } from "../protocol.ts";
import type { Session } from "../supervisor/session.ts";
import { notesOf } from "./answer.ts";
import { readJsonBody } from "./body.ts";
import type { ControlPlane } from "./control-plane.ts";
import { userKey, userText } from "./created-by.ts";
import type { Hop } from "./peers/mark.ts";
import type { Judgement } from "./permissions.ts";
import { RequestScope, type ScopedSession, type Subject } from "./scope.ts";

/** Who calls, as far as limits and logs are concerned. */
export interface Caller {
  readonly user: JsonValue;
  /** What limits and idempotency keys are counted by. */
  readonly key: string;
  /** For `close_requested_by`. */
  readonly text: string;
}

/** One request to an endpoint, from its first to its last byte. */
export class Exchange {
  readonly ctx: Koa.Context;
  readonly plane: ControlPlane;
  readonly params: Readonly<Record<string, string>>;
  readonly scope: RequestScope;
  /** The peer that passed it on; null where it comes from a client. */
  readonly hop: Hop | null;
  /** The session of the path, where it is one of another replica that is judged here. */
  #foreign: ScopedSession | undefined;

  constructor(ctx: Koa.Context, plane: ControlPlane, params: Readonly<Record<string, string>>) {
    this.ctx = ctx;
    this.plane = plane;
    this.params = params;
    const { session_id: sessionId, call_id: callId } = params;
    const find = sessionId === undefined ? null : () => this.#foreign ?? plane.findSession(sessionId, callId);
    this.hop = notesOf(ctx).hop;
    this.scope = RequestScope.of(ctx.req, { ip: this.hop?.ip ?? ctx.ip, path: ctx.path }, { params, find });
  }

  /** The query as plain text: of a name that is given twice, the last one. */
  get query(): Record<string, string> {
    return Object.fromEntries(this.scope.query);
  }

  /** Who calls. Throws what `getCurrentUser` throws. */
  async caller(): Promise<Caller> {
    const user = await this.plane.permissions.user(this.scope);
    if (user === null) return { user, key: `address ${this.scope.ip}`, text: "api" };
    return { user, key: `user ${userKey(user)}`, text: userText(user) };
  }

  /**
   * Who calls, and what they sent. A stranger learns that they are one before they learn what is wrong with the body; yet
   * `getCurrentUser` can see a body that is right.
   */
  async callerAndBody(): Promise<{ caller: Caller; body: JsonValue | undefined }> {
    const body = await this.#readBody();
    const caller = await this.caller();
    return { caller, body: body() };
  }

  /** As {@link callerAndBody} for those who may do this with the session of the path. */
  async bodyFor(
    judgement: Judgement,
  ): Promise<{ session: Session; caller: Caller; body: JsonValue | undefined }> {
    const body = await this.#readBody();
    const { session, caller } = await this.sessionFor(judgement);
    return { session, caller, body: body() };
  }

  /** The session of the path, where the caller may view it; else the 404 that an unknown one gets. */
  async viewedSession(options: {
    readonly byToken: boolean;
  }): Promise<{ session: Session; caller: Caller; byToken: boolean }> {
    const { session_id: id = "", call_id: callId } = this.params;
    const { caller, byToken, allowed } = await this.#judgeView(id, options.byToken);
    const session = this.#found(id, callId);
    if (!allowed) throw new GreenroomError("SESSION_NOT_FOUND", id);
    return { session, caller, byToken };
  }

  /** Throws as {@link viewedSession} does for a session of another replica, which this one has to judge. */
  async judgeForeign(session: ScopedSession, options: { readonly byToken: boolean }): Promise<void> {
    const { call_id: callId } = this.params;
    if (callId === undefined || callId === session.callId) this.#foreign = session;
    const { allowed } = await this.#judgeView(session.id, options.byToken);
    if (!allowed || !this.#foreign) throw new GreenroomError("SESSION_NOT_FOUND", session.id);
  }

  async #judgeView(
    id: string,
    byToken: boolean,
  ): Promise<{ caller: Caller; byToken: boolean; allowed: boolean }> {
    if (byToken && this.plane.tokens.accepts(id, this.scope.query.get("token"))) {
      return { caller: tokenCaller(id), byToken: true, allowed: true };
    }
    const caller = await this.caller();
    // Also asked where there is no such session: its answer, an error above all, must not tell.
    const allowed = await this.plane.permissions.allows("canViewSession", this.scope);
    return { caller, byToken: false, allowed };
  }

  /** As {@link viewedSession}, and the caller may do that with it. A session token is good for all but the metrics. */
  async sessionFor(judgement: Judgement): Promise<{ session: Session; caller: Caller }> {
    const viewed = await this.viewedSession({ byToken: judgement !== "canViewMetrics" });
    if (!viewed.byToken) await this.plane.permissions.demand(judgement, this.scope);
    return viewed;
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
      const body = await readJsonBody(this.ctx);
      this.scope.body = body;
      return () => body;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #found(id: string, callId: string | undefined): Session {
    const session = this.plane.findSession(id, callId);
    if (!session) throw new GreenroomError("SESSION_NOT_FOUND", id);
    notesOf(this.ctx).sessionId = session.id;
    return session;
  }
}

function tokenCaller(sessionId: string): Caller {
  return { user: null, key: `token ${sessionId}`, text: "session_token" };
}
