import type { z } from "zod";
import { notesOf } from "./answer.ts";
import type { Caller, Exchange } from "./exchange.ts";
import { idempotencyKey } from "./idempotency.ts";
import { validated } from "./invalid-request.ts";
import type { startRequest } from "./schemas.ts";
import { callPath, startInCallRequest, startRequest as startRequestSchema } from "./schemas.ts";
import { startedJson } from "./wire.ts";

type StartBody = z.output<typeof startRequest>;

/** Starts a session of the call in the body: 201 once `createAgent` has returned. */
export async function startSession(exchange: Exchange): Promise<void> {
  const { caller, body } = await exchange.callerAndBody();
  await start(exchange, caller, validated(startRequestSchema, body, "body"));
}

/** Starts a session of the call in the path. */
export async function startSessionInCall(exchange: Exchange): Promise<void> {
  const { caller, body } = await exchange.callerAndBody();
  const { call_id } = validated(callPath, exchange.params, "path");
  await start(exchange, caller, { call_id, ...validated(startInCallRequest, body ?? {}, "body") });
}

async function start({ ctx, plane, scope }: Exchange, caller: Caller, body: StartBody): Promise<void> {
  scope.body = body;
  const key = idempotencyKey(scope.headers);
  await plane.permissions.demand("canStartSession", scope);
  plane.starts.take(caller.key);
  const run = async () => {
    const session = await plane.supervisor.startSession({
      callId: body.call_id,
      callType: body.call_type,
      config: body.config,
      createdBy: caller.user,
    });
    return startedJson(session, plane.tokens.issue(session.id));
  };
  const { answer, replayed } =
    key === null
      ? { answer: await run(), replayed: false }
      : await plane.idempotencyKeys.once(caller.key, key, body, run);
  notesOf(ctx).sessionId = answer.session_id;
  if (replayed) ctx.set("Idempotency-Replayed", "true");
  ctx.status = 201;
  ctx.body = answer;
}
