import type { z } from "zod";
import type { SteerQuestion } from "../../shared/session/steering.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { problem, session as sessionSchema } from "../documents/schemas.ts";
import {
  addedTurn,
  interruptedTurn,
  respondRequest,
  sayRequest,
  sessionChange,
} from "../documents/steering-schemas.ts";
import { sessionJson } from "../documents/wire.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { validated } from "../http/invalid-request.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, withBody, limited } = commonAnswers;

const notNow = {
  409: {
    description: "The agent is not in its call yet, or is leaving it.",
    schema: problem,
    headers: { "Retry-After": "Seconds after which to try again, where the agent is about to join." },
  },
};

const answers = { ...judged, ...ofSession, ...withBody, ...limited, ...notNow };

/** One way of steering an agent: the end of its path, its documentation, and what it does. */
interface SteeringRow {
  readonly method: "post" | "patch";
  /** The path behind that of the session. */
  readonly path: string;
  readonly operationId: string;
  readonly documentation: Omit<EndpointDocumentation, "operationId" | "tag">;
  handle(exchange: Exchange): Promise<void>;
}

const rows: readonly SteeringRow[] = [
  {
    method: "post",
    path: "/say",
    operationId: "say",
    documentation: {
      summary: "Have the agent say something",
      description:
        "The words are said as they are, once the running turn is over, and are part of the conversation.",
      body: { schema: sayRequest, required: true },
      answers: { ...answers, 202: { description: "The words will be said.", schema: addedTurn } },
    },
    async handle(exchange) {
      await steer(exchange, sayRequest, (words) => ({ about: "say", ...words }));
    },
  },
  {
    method: "post",
    path: "/respond",
    operationId: "respond",
    documentation: {
      summary: "Have the agent answer an instruction",
      description:
        "The model is asked once the running turn is over. Participants do not see the instruction.",
      body: { schema: respondRequest, required: true },
      answers: { ...answers, 202: { description: "The model will be asked.", schema: addedTurn } },
    },
    async handle(exchange) {
      await steer(exchange, respondRequest, ({ instruction }) => ({ about: "respond", instruction }));
    },
  },
  {
    method: "post",
    path: "/interrupt",
    operationId: "interrupt",
    documentation: {
      summary: "Cut short what the agent is saying",
      description: "Words that wait are said all the same.",
      answers: { ...answers, 200: { description: "The agent is silent.", schema: interruptedTurn } },
    },
    handle: interrupt,
  },
  {
    method: "patch",
    path: "",
    operationId: "changeSession",
    documentation: {
      summary: "Change the role or the instructions of the agent in its call",
      body: { schema: sessionChange, required: true },
      answers: {
        ...answers,
        200: { description: "The session.", schema: sessionSchema },
      },
    },
    handle: change,
  },
];

/** The endpoints by which a backend steers an agent, with the paths of Vision Agents too. */
export const steeringEndpoints: readonly Endpoint[] = rows.flatMap(
  ({ method, path, operationId, documentation, handle }): Endpoint[] => [
    {
      method,
      path: `/sessions/{session_id}${path}`,
      judgement: "canSteerSession",
      documentation: { ...documentation, operationId, tag: "sessions" },
      handle,
    },
    {
      method,
      path: `/calls/{call_id}/sessions/{session_id}${path}`,
      judgement: "canSteerSession",
      documentation: { ...documentation, operationId: `${operationId}InCall`, tag: "calls" },
      handle,
    },
  ],
);

/** Has the agent do what the body says. Resolves with its session. */
async function steer<Schema extends z.ZodType>(
  exchange: Exchange,
  schema: Schema,
  questionOf: (body: z.output<Schema>) => SteerQuestion,
): Promise<Session> {
  const { ctx } = exchange;
  const { body, session, caller } = await exchange.judgedWithBody();
  const question = questionOf(validated(schema, body, "body"));
  await refuseEnded(exchange, session);
  exchange.plane.messages.take(caller.key);
  ctx.body = await exchange.plane.supervisor.steer(session, question);
  ctx.status = 202;
  return session;
}

async function interrupt(exchange: Exchange): Promise<void> {
  const { session, caller } = await exchange.judged();
  await refuseEnded(exchange, session);
  exchange.plane.messages.take(caller.key);
  exchange.ctx.body = await exchange.plane.supervisor.steer(session, { about: "interrupt" });
}

async function change(exchange: Exchange): Promise<void> {
  const session = await steer(exchange, sessionChange, ({ role, instructions }) => ({
    about: "change",
    ...(role === undefined ? {} : { role }),
    ...(instructions === undefined ? {} : { instructions }),
  }));
  exchange.ctx.status = 200;
  exchange.ctx.body = sessionJson(session, exchange.plane.supervisor.node.nodeId);
}
