import { GreenroomError } from "../../shared/errors.ts";
import type {
  Guest,
  JsonObject,
  SessionAnswer,
  SessionQuestion,
  SocketOffer,
} from "../../shared/protocol.ts";
import type { Session } from "./session.ts";

/** The time that a client which comes right after the start waits until the agent is in its call, in milliseconds. */
const joinWaitMs = 5_000;

/** The names of the ways into a call, for the error about an edge that does not take one of them. */
const takes = { offer: "offers", socket: "WebSockets" } as const;

/**
 * Asks a session to let somebody into its call: by a token or a link, or as one that connects to the server. Throws
 * SESSION_CLOSING, NOT_IN_CALL, NO_JOIN_TOKENS or EDGE_CANNOT_RECEIVE, OWN_USER, EDGE_REFUSED or EDGE_FAILED.
 */
export async function askForGuestAccess(session: Session, question: SessionQuestion): Promise<JsonObject> {
  const { about } = question;
  const connects = about === "offer" || about === "socket";
  const answer = await (connects ? askSomeAgent(session, question) : session.ask(question));
  switch (answer.outcome) {
    case "given":
      return answer.value;
    case "not_in_call":
      // The session is live, so the agent was in the call and has left it.
      throw new GreenroomError("SESSION_CLOSING");
    case "moving":
      throw new GreenroomError("PEER_UNREACHABLE");
    case "not_offered":
      throw connects
        ? new GreenroomError("EDGE_CANNOT_RECEIVE", takes[about])
        : new GreenroomError("NO_JOIN_TOKENS");
    case "refused":
      throw new GreenroomError("EDGE_REFUSED", answer.reason);
    case "own_user":
      throw new GreenroomError("OWN_USER");
    case "failed":
      throw new GreenroomError("EDGE_FAILED", undefined, { cause: answer.error });
    default:
      return answer satisfies never;
  }
}

/**
 * Asks the agent that is in the call, or is about to join it. Where its thread ends before it answers, the agent that takes up the call is asked: a
 * client that lost its connection by that comes back before the end of the thread is known.
 */
async function askSomeAgent(session: Session, question: SessionQuestion): Promise<SessionAnswer> {
  const until = performance.now() + joinWaitMs;
  for (;;) {
    try {
      return await session.ask(question, Math.max(0, until - performance.now()));
    } catch (error) {
      const isThreadGone = GreenroomError.is(error) && error.code === "NOT_IN_CALL";
      if (!isThreadGone || performance.now() >= until) throw error;
    }
  }
}

/** Does what `acceptSocket` of the supervisor does. */
export async function acceptSocket(
  session: Session,
  guest: Guest,
  socket: SocketOffer,
): Promise<string | null> {
  const { protocol } = await askForGuestAccess(session, { about: "socket", guest, socket });
  if (protocol === null) return null;
  const isOffered = typeof protocol === "string" && socket.protocols.includes(protocol);
  if (isOffered) return protocol;
  throw new GreenroomError("EDGE_FAILED", undefined, {
    cause: new Error(`It chose a subprotocol that was not offered: ${protocol}`),
  });
}

/** Does what `demoLink` of the supervisor does. */
export async function demoLink(session: Session, guest: Guest): Promise<string | null> {
  try {
    const { url } = await askForGuestAccess(session, { about: "demo_link", guest });
    return String(url);
  } catch (error) {
    if (GreenroomError.is(error) && error.code === "NO_JOIN_TOKENS") return null;
    throw error;
  }
}
