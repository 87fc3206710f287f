import { now } from "../../shared/protocol.ts";
import { sessionMetrics } from "../documents/schemas.ts";
import { metricsJson } from "../documents/wire.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";

const { judged, ofSession } = commonAnswers;

/** Answers with the figures of one session. They stay readable for 10 minutes after its end. */
export async function showMetrics(exchange: Exchange): Promise<void> {
  const { session } = await exchange.judged();
  exchange.ctx.body = metricsJson(session, now());
}

export const sessionMetricsEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/sessions/{session_id}/metrics",
    judgement: "canViewMetrics",
    documentation: {
      operationId: "getSessionMetrics",
      summary: "What was measured in a session",
      description: "Readable for 10 minutes after the session's end.",
      tag: "sessions",
      answers: { ...judged, ...ofSession, 200: { description: "The figures.", schema: sessionMetrics } },
    },
    handle: showMetrics,
  },
];
