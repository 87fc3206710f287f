import { GreenroomError } from "../../shared/errors.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import type { SteerQuestion } from "../../shared/session/steering.ts";
import type { Session } from "./session.ts";

/** The time for which a caller who comes right after the start waits until the agent is in its call, in milliseconds. */
const joinWaitMs = 5_000;

/** Does what `steer` of the supervisor does. */
export async function steer(session: Session, question: SteerQuestion): Promise<JsonObject> {
  const answer = await session.ask(question, joinWaitMs);
  switch (answer.outcome) {
    case "given":
      return answer.value;
    case "not_in_call":
      // The session is live, so the agent was in the call and has left it.
      throw new GreenroomError("SESSION_CLOSING");
    case "moving":
      // Once it is known who has the session, the caller may ask again.
      throw new GreenroomError("PEER_UNREACHABLE");
    case "refused":
      throw question.about === "change"
        ? new GreenroomError("NO_SUCH_ROLE", answer.reason)
        : new GreenroomError("MESSAGE_QUEUE_FULL");
    case "not_offered":
    case "own_user":
    case "failed":
      throw new GreenroomError("AGENT_SILENT", undefined, {
        cause: answer.outcome === "failed" ? answer.error : undefined,
      });
    default:
      return answer satisfies never;
  }
}
