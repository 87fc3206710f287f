import { GreenroomError } from "../../shared/errors.ts";
import type { JsonObject, Question } from "../../shared/protocol.ts";
import type { Session } from "./session.ts";

/**
 * Asks a session for a token or link with which somebody can join its call. Throws SESSION_CLOSING, NOT_IN_CALL,
 * NO_JOIN_TOKENS, OWN_USER or EDGE_FAILED.
 */
export async function askForGuestAccess(session: Session, question: Question): Promise<JsonObject> {
  const answer = await session.ask(question);
  switch (answer.outcome) {
    case "given":
      return answer.value;
    case "not_in_call":
      // It is live: it was in the call, and is not any more.
      throw new GreenroomError("SESSION_CLOSING");
    case "not_offered":
      throw new GreenroomError("NO_JOIN_TOKENS");
    case "own_user":
      throw new GreenroomError("OWN_USER");
    case "failed":
      throw new GreenroomError("EDGE_FAILED", undefined, { cause: answer.error });
    default:
      return answer satisfies never;
  }
}
