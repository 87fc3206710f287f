import type Koa from "koa";
import { type ErrorCode, GreenroomError } from "../../shared/errors.ts";
import { probe, problem } from "../documents/schemas.ts";
import type { Endpoint } from "../endpoint.ts";
import { errorAnswer } from "../http/error-answer.ts";
import { notesOf } from "../http/request-notes.ts";

const yes = { 200: { description: "Yes.", schema: probe } };
const yesOrNo = { ...yes, 400: { description: "No; the code says why.", schema: problem } };

/** The endpoints for balancers and the kubelet. They answer every caller. */
export const probeEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/health",
    open: true,
    documentation: {
      operationId: "getHealth",
      summary: "Is the server alive?",
      description: "Only looks at this process. Restart it where there is no answer.",
      tag: "server",
      anonymous: true,
      answers: yes,
    },
    handle: ({ ctx }) => answer(ctx, null),
  },
  {
    method: "get",
    path: "/serving",
    open: true,
    documentation: {
      operationId: "getServing",
      summary: "Is the server warmed up, and not shutting down?",
      description: "A full server serves: it goes on answering for its sessions.",
      tag: "server",
      anonymous: true,
      answers: yesOrNo,
    },
    handle: ({ ctx, plane: { supervisor } }) =>
      answer(ctx, supervisor.serving ? null : (supervisor.unreadiness()?.code ?? "WARMING_UP")),
  },
  {
    method: "get",
    path: "/ready",
    open: true,
    documentation: {
      operationId: "getReady",
      summary: "Could a session start here now?",
      description:
        "Warmed up, not shutting down, room left, not overloaded. For dispatchers that choose a server.",
      tag: "server",
      anonymous: true,
      answers: yesOrNo,
    },
    handle: ({ ctx, plane: { supervisor } }) => answer(ctx, supervisor.unreadiness()?.code ?? null),
  },
];

/** Answers 200 where `why` is null; else 400 with nothing but the code and its public text. */
function answer(ctx: Koa.Context, why: ErrorCode | null): void {
  notesOf(ctx).quiet = true;
  ctx.status = why === null ? 200 : 400;
  ctx.body = why === null ? { status: "ok" } : errorAnswer(new GreenroomError(why)).body;
}
