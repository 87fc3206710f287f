import { acceptedMessage, messageRequest, problem } from "../documents/schemas.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { validated } from "../http/invalid-request.ts";
import { notesOf } from "../http/request-notes.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, withBody, limited } = commonAnswers;

const documentation = {
  summary: "Say something to the agent in text",
  description: "It waits while the agent joins, and interrupts the agent while it speaks.",
  body: { schema: messageRequest, required: true },
  answers: {
    ...judged,
    ...ofSession,
    ...withBody,
    ...limited,
    202: { description: "The message is on its way to the agent.", schema: acceptedMessage },
    409: { description: "The session is closing.", schema: problem },
  },
} as const satisfies Partial<EndpointDocumentation>;

export const messageEndpoints: readonly Endpoint[] = [
  {
    method: "post",
    path: "/sessions/{session_id}/messages",
    judgement: "canSendMessage",
    documentation: { ...documentation, operationId: "sendMessage", tag: "sessions" },
    handle: sendMessage,
  },
  {
    method: "post",
    path: "/calls/{call_id}/sessions/{session_id}/messages",
    judgement: "canSendMessage",
    documentation: { ...documentation, operationId: "sendMessageInCall", tag: "calls" },
    handle: sendMessage,
  },
];

async function sendMessage(exchange: Exchange): Promise<void> {
  const { body, session, caller } = await exchange.judgedWithBody();
  const { text } = validated(messageRequest, body, "body");
  const { ctx, plane } = exchange;
  const route = `${ctx.method} ${notesOf(ctx).route}`;
  plane.unknownFields.check(body, { route, schema: messageRequest, hint: "a message has its text alone" });
  await refuseEnded(exchange, session);
  plane.messages.take(caller.key);
  const participantId = caller.user === null ? "user" : caller.text;
  const messageId = plane.supervisor.sendMessage(session, { text, participantId });
  ctx.status = 202;
  ctx.body = { message_id: messageId };
}
