import { commonAnswers } from "./common-answers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { validated } from "./invalid-request.ts";
import { acceptedMessage, messageRequest, problem } from "./schemas.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, withBody, limited } = commonAnswers;

export const messageEndpoints: readonly Endpoint[] = [
  {
    method: "post",
    path: "/sessions/{session_id}/messages",
    documentation: {
      operationId: "sendMessage",
      summary: "Say something to the agent in text",
      description: "It waits while the agent joins, and interrupts the agent while it speaks.",
      tag: "sessions",
      body: { schema: messageRequest, required: true },
      answers: {
        ...judged,
        ...ofSession,
        ...withBody,
        ...limited,
        202: { description: "The message is on its way to the agent.", schema: acceptedMessage },
        409: { description: "The session is closing.", schema: problem },
      },
      token: true,
    },
    handle: sendMessage,
  },
];

async function sendMessage(exchange: Exchange): Promise<void> {
  const { body, session, caller } = await exchange.bodyFor("canSendMessage");
  const { text } = validated(messageRequest, body, "body");
  refuseEnded(session);
  const { ctx, plane } = exchange;
  plane.messages.take(caller.key);
  const participantId = caller.user === null ? "user" : caller.text;
  const messageId = plane.supervisor.sendMessage(session, { text, participantId });
  ctx.status = 202;
  ctx.body = { message_id: messageId };
}
