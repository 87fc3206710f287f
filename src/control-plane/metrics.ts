import { now } from "../protocol.ts";
import { commonAnswers } from "./common-answers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { sessionMetrics } from "./schemas.ts";
import { metricsJson } from "./wire.ts";

const { judged, ofSession } = commonAnswers;

/** The figures of one session. They stay readable for 10 minutes after its end. */
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
