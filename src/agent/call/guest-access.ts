import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import type { SocketOffer } from "../../shared/protocol.ts";
import {
  answerTimeoutMs,
  type GuestQuestion,
  type JsonObject,
  type SessionAnswer,
} from "../../shared/protocol.ts";
import type { Call, Edge } from "../edge.ts";
import type { CallContext } from "./call-context.ts";

/** The most characters of a refusal that a client is told. */
const mostReason = 1_000;

/** Answers what is asked of an agent about its call: how somebody else comes into it. */
export class GuestAccess {
  readonly #context: Pick<CallContext, "agentUser" | "signal">;
  readonly #edge: Edge;

  constructor(context: Pick<CallContext, "agentUser" | "signal">, edge: Edge) {
    this.#context = context;
    this.#edge = edge;
  }

  /**
   * Resolves with the answer to a question about the call, which is null while the agent is in none. It never rejects, and
   * always answers in time.
   */
  async answer(call: Call | null, question: GuestQuestion): Promise<SessionAnswer> {
    const { agentUser, signal } = this.#context;
    if (call === null) return { outcome: "not_in_call" };
    if (question.guest.id === agentUser.id) return { outcome: "own_user" };
    const over = new AbortController();
    try {
      const answering = ask(this.#edge, call, question, {
        lifetime: signal,
        waiting: AbortSignal.any([signal, over.signal]),
      });
      if (answering === null) return { outcome: "not_offered" };
      const value = await within(answering, answerTimeoutMs, "The edge's answer", signal);
      // It crosses a thread.
      return { outcome: "given", value: JSON.parse(JSON.stringify(value)) };
    } catch (error) {
      if (signal.aborted) return { outcome: "not_in_call" };
      if (error instanceof Error && error.name === "EdgeRefusal")
        return { outcome: "refused", reason: error.message.slice(0, mostReason) };
      return { outcome: "failed", error: plainError(error) };
    } finally {
      over.abort(new Error("Nobody waits for the answer"));
    }
  }
}

/** The signals of a question: that the conversation is over, and that, or that nobody waits for the answer any more. */
interface Signals {
  readonly lifetime: AbortSignal;
  readonly waiting: AbortSignal;
}

/** Asks the edge; returns null where the edge does not know such a thing. */
function ask(edge: Edge, call: Call, question: GuestQuestion, signals: Signals): Promise<JsonObject> | null {
  const { guest } = question;
  const signal = signals.waiting;
  switch (question.about) {
    case "join_token": {
      const { expiresInSeconds } = question;
      return edge.joinToken?.(call, { guest, expiresInSeconds, signal }) ?? null;
    }
    case "demo_link":
      return edge.demoLink?.(call, { guest, signal }).then((url) => ({ url })) ?? null;
    case "offer":
      return edge.offer?.(call, { guest, offer: question.offer, signal }) ?? null;
    case "socket":
      return edge.accept ? accept(edge, call, question, signals) : null;
    default:
      return question satisfies never;
  }
}

/** Fetches a client from the main thread, and has the edge take it in. */
async function accept(
  edge: Edge,
  call: Call,
  { guest, socket }: Extract<GuestQuestion, { about: "socket" }>,
  { lifetime, waiting }: Signals,
): Promise<JsonObject> {
  const { protocols, data } = socket;
  const stream = await fetchClient(socket, waiting);
  // Where nobody waits for the edge any more, the client is gone.
  const drop = () => stream.destroy();
  waiting.addEventListener("abort", drop, { once: true });
  try {
    waiting.throwIfAborted();
    const accepted = await edge.accept?.(call, { guest, protocols, data, stream, signal: lifetime });
    return { protocol: accepted?.protocol ?? null };
  } catch (error) {
    drop();
    throw error;
  } finally {
    waiting.removeEventListener("abort", drop);
  }
}

/** Fetches a client from the main thread, which copies the client's bytes to this connection and back. */
async function fetchClient({ address, ticket }: SocketOffer, signal: AbortSignal): Promise<Socket> {
  const socket = connect(address);
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // An error is followed by the close, which the taker of the socket handles.
  socket.on("error", () => undefined);
  socket.write(ticket);
  return socket;
}
