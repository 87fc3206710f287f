import { GreenroomError } from "../../shared/errors.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { callClosing, callPath, callProblem, closeParameters, isYes } from "../documents/schemas.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers, incompleteHeaders } from "../http/common-answers.ts";
import { DetailedError } from "../http/error-answer.ts";
import { validated } from "../http/invalid-request.ts";
import { isObject } from "../http/json.ts";
import { gather, tellMissing } from "../peers/gather.ts";
import { unexpected } from "../peers/survey.ts";

const { judged, validated: invalid } = commonAnswers;

/** The longest time that a peer may take to begin the closing of its sessions of a call, in milliseconds. */
const closeTimeoutMs = 10_000;

export const closeCallEndpoint: Endpoint = {
  method: "delete",
  path: "/calls/{call_id}/sessions",
  documentation: {
    operationId: "closeSessionsInCall",
    summary: "Close all sessions of this call that you may close",
    description:
      "Where there are none, nothing is left to be done: 202 as well. 202 means that every replica was asked; 503 that one " +
      "could not be, which may have further sessions of this call: ask again.",
    tag: "calls",
    query: closeParameters,
    answers: {
      ...judged,
      ...invalid,
      202: { description: "Closing has begun, in all replicas.", schema: callClosing },
      503: {
        description:
          "A permission callback of the server took too long, or a replica could not be asked: what it has of this call goes on. Closing has " +
          "begun of what `session_ids` names.",
        schema: callProblem,
        headers: { ...judged[503].headers, ...incompleteHeaders },
      },
    },
  },
  handle: closeCall,
};

/** The result of closing the sessions of a call. */
interface Closed {
  readonly ids: readonly string[];
  /** True where the caller may view a session that they may not close. */
  readonly refused: boolean;
  /** True where a session goes on in another process since it was asked to close here, or may do so. */
  readonly unsure: boolean;
}

async function closeCall(exchange: Exchange): Promise<void> {
  const caller = await exchange.caller();
  const { call_id: callId } = validated(callPath, exchange.params, "path");
  const wait = isYes(validated(closeParameters, exchange.query, "query").wait);
  const asked = gather(exchange, { kind: "closed", answerTimeoutMs: wait ? null : closeTimeoutMs, read });
  const own = await closeOwn(exchange, callId, { by: caller.text, wait });
  const { answers, missing } = await asked;
  const all = [own, ...answers];
  const ids = all.flatMap((closed) => closed.ids);
  // A 202 would say that every agent of the call is leaving, which is not known here.
  if (missing.length > 0 || own.unsure) {
    tellMissing(exchange, missing);
    throw new DetailedError("PEER_UNREACHABLE", "", { session_ids: ids });
  }
  if (ids.length === 0 && all.some(({ refused }) => refused))
    throw new GreenroomError("FORBIDDEN", "You are not permitted to do this");
  exchange.ctx.status = 202;
  exchange.ctx.body = { status: "closing", session_ids: ids };
}

/** Closes the sessions of this process, each judged by itself. */
async function closeOwn(
  exchange: Exchange,
  callId: string,
  how: { readonly by: string; readonly wait: boolean },
): Promise<Closed> {
  const { permissions, supervisor } = exchange.plane;
  const closing: Session[] = [];
  let refused = false;
  for (const session of supervisor.listSessions()) {
    if (session.callId !== callId) continue;
    const scope = exchange.childScope(session);
    if (await permissions.grants("canCloseSession", scope)) closing.push(session);
    else refused ||= await permissions.shows(scope);
  }
  // All sessions are asked to close before any of them is waited for.
  const closed = await Promise.allSettled(
    closing.map(async ({ id }) => ((await supervisor.closeSession(id, how)) ? id : null)),
  );
  const ids = closed.flatMap((one) => (one.status === "fulfilled" ? (one.value ?? []) : []));
  // A close rejects where the session changes hands for too long. It stays open, also where its owner is known by the end of the other closes.
  const isOpen = closed.some(({ status }) => status === "rejected");
  return { ids, refused, unsure: isOpen || closing.some(({ mayBeElsewhere }) => mayBeElsewhere) };
}

function read(status: number, body: unknown): Closed {
  if (status === 403) return { ids: [], refused: true, unsure: false };
  const { session_ids: ids } = isObject(body) ? body : {};
  if (status !== 202 || !Array.isArray(ids)) throw unexpected(status);
  return { ids: ids.map(String), refused: false, unsure: false };
}
