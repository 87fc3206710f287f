import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { z } from "zod";
import type { JsonObject, JsonValue } from "../protocol.ts";
import type { OnceKey, OnceResult } from "../registry/registry.ts";
import { notesOf } from "./answer.ts";
import type { Caller, Exchange } from "./exchange.ts";
import { idempotencyKey } from "./idempotency.ts";
import { validated } from "./invalid-request.ts";
import { isObject } from "./json.ts";
import { isNoRoom, offerStart } from "./peers/offer.ts";
import type { startRequest } from "./schemas.ts";
import { callPath, startInCallRequest, startRequest as startRequestSchema } from "./schemas.ts";
import { rememberStarter } from "./starter.ts";
import { type StartedSession, startedJson } from "./wire.ts";

type StartBody = z.output<typeof startRequest>;

/** Who starts what, and the body as it came, for the peer that may have room. */
interface Start {
  readonly caller: Caller;
  readonly body: StartBody;
  readonly sent: JsonValue | undefined;
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
  // Some send it in both places.
  const isSaidTwice = isObject(sent) && sent.call_id === call_id;
  checkFields(exchange, sent, isSaidTwice ? startRequestSchema : startInCallRequest);
  await answerStart(exchange, { caller, sent, body });
}

/** What a peer passes on has been checked there. */
function checkFields({ hop, ctx, plane }: Exchange, sent: JsonValue | undefined, schema: z.ZodObject): void {
  if (hop) return;
  const hint = 'what the agent is to know belongs in "config", which createAgent and joinCall are given';
  plane.unknownFields.check(sent, { route: `${ctx.method} ${notesOf(ctx).route}`, schema, hint });
}

async function answerStart(exchange: Exchange, start: Start): Promise<void> {
  const { ctx, plane, scope, hop } = exchange;
  const { caller, body } = start;
  scope.body = body;
  const key = idempotencyKey(scope.headers, caller.key, body as JsonObject);
  await plane.permissions.demand("canStartSession", scope);
  // The peer that has no room for it has counted it, and keeps the answer to its key.
  if (!hop) plane.starts.take(caller.key);
  const run = () => (hop ? startHere(exchange, start) : startAnywhere(exchange, start));
  const { answer, replayed } =
    key === null || hop ? { answer: await run(), replayed: false } : await onceByKey(exchange, key, run);
  notesOf(ctx).sessionId = answer.session_id;
  if (replayed) ctx.set("Idempotency-Replayed", "true");
  ctx.status = 201;
  ctx.body = { ...answer, config: body.config as JsonObject };
}

/** Where this process stood still, the end of the connection lies behind what it has read of it. */
async function pendingEventsSeen(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
}

function hasLeft({ destroyed, readableEnded }: Socket): boolean {
  return destroyed || readableEnded;
}

/** The token is made anew for whoever asks again, and they send the same config: no registry keeps them. */
async function onceByKey(
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

/** Here where there is room, else with a peer. Who is known to have none does not try first, since that counts as refused. */
async function startAnywhere(exchange: Exchange, start: Start): Promise<StartedSession> {
  const isFull = isNoRoom(exchange.plane.supervisor.unreadiness());
  if (isFull) {
    const started = await offerStart(exchange, start.sent);
    if (started) return started;
  }
  try {
    return await startHere(exchange, start);
  } catch (error) {
    const started = isFull || !isNoRoom(error) ? null : await offerStart(exchange, start.sent);
    if (!started) throw error;
    return started;
  }
}

async function startHere(
  { ctx, plane, hop, scope }: Exchange,
  { caller, body }: Start,
): Promise<StartedSession> {
  const request = {
    callId: body.call_id,
    callType: body.call_type,
    config: body.config as JsonObject,
    createdBy: caller.user,
  };
  // A client's start goes on where it leaves; a peer that has left may have found another one for it.
  const abandoned = hop ? () => hasLeft(ctx.req.socket) : undefined;
  if (abandoned) await pendingEventsSeen();
  const session = await plane.supervisor.startSession(request, abandoned);
  rememberStarter(session, scope.credentials(plane.options.getCurrentUser));
  return startedJson(session, plane.tokens.issue(session.id));
}
