import type { Socket } from "node:net";
import type { z } from "zod";
import type { StartRequest } from "../../api/start-request.ts";
import type { OnceKey, OnceResult } from "../../registry/registry.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { pendingEventsSeen } from "../../supervisor/starts/pending-events.ts";
import { rememberStarter } from "../access/starter.ts";
import type { startRequest } from "../documents/schemas.ts";
import { callPath, startInCallRequest, startRequest as startRequestSchema } from "../documents/schemas.ts";
import { type StartedSession, startedJson } from "../documents/wire.ts";
import type { Caller, Exchange } from "../exchange.ts";
import { idempotencyKey } from "../http/idempotency.ts";
import { validated } from "../http/invalid-request.ts";
import { isObject } from "../http/json.ts";
import { notesOf } from "../http/request-notes.ts";
import { isNoRoom, offerStart, offerToNewest, startBody } from "../peers/offer.ts";
import type { PassedOn } from "../peers/passed-on.ts";

type StartBody = z.output<typeof startRequest>;

/** A start over REST: the caller, the request, and the original body, which a peer is sent where there is no room here. */
interface RequestedStart {
  readonly caller: Caller;
  readonly body: StartBody;
  readonly sent: JsonValue | undefined;
}

/** A start that may begin, by whichever route it was asked for. */
export interface Start {
  readonly request: StartRequest;
  /** Returns the request to start as it is sent to a peer that may have room. */
  passedOn(): PassedOn;
  /** Takes the session that has begun here. */
  begun?(session: Session): void;
}

/** Starts a session of the call in the body: 201 once `createAgent` has returned. */
export async function startSession(exchange: Exchange): Promise<void> {
  const { caller, body: sent } = await exchange.callerAndBody();
  const body = validated(startRequestSchema, sent, "body");
  checkFields(exchange, sent, startRequestSchema);
  await answerStart(exchange, { caller, sent, body });
}

/** Starts a session of the call in the path. */
export async function startSessionInCall(exchange: Exchange): Promise<void> {
  const { caller, body: sent } = await exchange.callerAndBody();
  const { call_id } = validated(callPath, exchange.params, "path");
  const body = { call_id, ...validated(startInCallRequest, sent ?? {}, "body") };
  // Some clients send the call's id in both places.
  const isSaidTwice = isObject(sent) && sent.call_id === call_id;
  checkFields(exchange, sent, isSaidTwice ? startRequestSchema : startInCallRequest);
  await answerStart(exchange, { caller, sent, body });
}

/** Checks the fields of a start. A start that a peer passed on has been checked there. */
function checkFields({ hop, ctx, plane }: Exchange, sent: JsonValue | undefined, schema: z.ZodObject): void {
  if (hop) return;
  const hint = 'what the agent is to know belongs in "config", which createAgent and joinCall are given';
  plane.unknownFields.check(sent, { route: `${ctx.method} ${notesOf(ctx).route}`, schema, hint });
}

async function answerStart(exchange: Exchange, requested: RequestedStart): Promise<void> {
  const { ctx, plane, scope, hop } = exchange;
  const { caller, body } = requested;
  scope.body = body;
  const key = idempotencyKey(scope.headers, caller.key, body as JsonObject);
  await plane.permissions.demand("canStartSession", scope);
  // The peer that passed the start on has counted it, and keeps the answer to its key.
  if (!hop) plane.starts.take(caller.key);
  const start: Start = {
    request: {
      callId: body.call_id,
      callType: body.call_type,
      config: body.config as JsonObject,
      createdBy: caller.user,
    },
    passedOn: () => startBody(ctx, requested.sent),
    begun: (session) => rememberStarter(session, scope.credentials(plane.options.getCurrentUser)),
  };
  const run = () => begin(exchange, start, departure(exchange, key));
  const { answer, replayed } =
    key === null || hop ? { answer: await run(), replayed: false } : await onceByKey(exchange, key, run);
  notesOf(ctx).sessionId = answer.session_id;
  if (replayed) ctx.set("Idempotency-Replayed", "true");
  ctx.status = 201;
  ctx.body = { ...answer, config: body.config as JsonObject };
}

/** Returns whether the client has left. Node sends no answer to a client that has ended its side of the connection. */
function hasLeft({ destroyed, readableEnded }: Socket): boolean {
  return destroyed || readableEnded;
}

/**
 * Returns a signal that is aborted when the client leaves, so that a peer learns of it too. With an idempotency key it
 * never is: the answer has to be known when the client asks again.
 */
function departure({ ctx }: Exchange, key: OnceKey | null): AbortSignal {
  const departed = new AbortController();
  if (key === null) ctx.res.once("close", () => departed.abort(new GreenroomError("START_ABANDONED")));
  return departed.signal;
}

/**
 * Runs a start once for its key. The registry keeps the answer without token and config: the token is made anew, and a
 * client that asks again sends the same config.
 */
export async function onceByKey(
  { plane }: Exchange,
  key: OnceKey,
  run: () => Promise<StartedSession>,
): Promise<OnceResult<StartedSession>> {
  const { answer, replayed } = await plane.supervisor.registry.onceByKey(key, async () => ({
    ...(await run()),
    session_token: null,
    config: {},
  }));
  return { answer: { ...answer, session_token: plane.tokens.issue(answer.session_id) }, replayed };
}

/** Starts a session here or with a peer; one that a peer has passed on is started here or not at all. */
export async function begin(
  exchange: Exchange,
  start: Start,
  departed: AbortSignal,
): Promise<StartedSession> {
  await pendingEventsSeen();
  return exchange.hop ? startHere(exchange, start) : startAnywhere(exchange, start, departed);
}

/**
 * Starts a session here where there is room, else at a peer; a peer of a newer revision comes first while one is rolled out. Where there is known to be no room, peers are asked first,
 * since a try here would count as a refusal.
 */
async function startAnywhere(
  exchange: Exchange,
  start: Start,
  departed: AbortSignal,
): Promise<StartedSession> {
  const { plane, ctx } = exchange;
  const offer = () => (hasLeft(ctx.req.socket) ? null : offerStart(exchange, start.passedOn(), departed));
  const isFull = isNoRoom(plane.supervisor.unreadiness());
  if (isFull) {
    const started = await offer();
    if (started) return started;
  }
  try {
    const newer =
      isFull || hasLeft(ctx.req.socket) ? null : await offerToNewest(exchange, start.passedOn(), departed);
    return newer ?? (await startHere(exchange, start));
  } catch (error) {
    const started = isFull || !isNoRoom(error) ? null : await offer();
    if (!started) throw error;
    return started;
  }
}

async function startHere({ ctx, plane }: Exchange, { request, begun }: Start): Promise<StartedSession> {
  // The start is given up where the client leaves before the session has a thread: the client may have asked
  // again, or a peer may have found another replica.
  const session = await plane.supervisor.startSession(request, () => hasLeft(ctx.req.socket));
  begun?.(session);
  return startedJson(session, plane.tokens.issue(session.id));
}
