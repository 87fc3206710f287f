import type { IncomingMessage, ServerResponse } from "node:http";
import {
  bodyHashOf,
  type Hop,
  markHeader,
  type PeerMarks,
} from "../../src/control-plane/peers/connection/mark.ts";

const header = markHeader.toLowerCase();

/** A request that a test passes on as a peer would. */
export interface Passed {
  readonly method?: string;
  readonly target: string;
  readonly body?: string;
}

/** A client that knows the secret of a fleet, and speaks to one of its replicas as a peer does. */
export class StandInPeer {
  readonly #marks: PeerMarks;
  readonly #url: string;
  readonly #hop: Hop;
  #ticket = "";
  #count = 0;

  constructor(marks: PeerMarks, url: string, hop: Hop) {
    this.#marks = marks;
    this.#url = url;
    this.#hop = hop;
  }

  /** Greets the replica, and keeps its ticket. Returns its answer. */
  async greet(): Promise<Response> {
    const greeting = this.#marks.greet(this.#hop.from, this.#hop.to);
    const answer = await fetch(`${this.#url}/health`, {
      method: "HEAD",
      headers: { [header]: greeting.text },
    });
    this.#ticket = greeting.ticketOf(answer.headers.get(header) ?? "") ?? "";
    this.#count = 0;
    return answer;
  }

  get ticket(): string {
    return this.#ticket;
  }

  /** Returns a mark that is good once, after a greeting. */
  mark({ method = "GET", target, body }: Passed): string {
    this.#count += 1;
    const bodyHash = bodyHashOf(body === undefined ? null : Buffer.from(body));
    const turn = { ticket: this.#ticket, count: this.#count };
    return this.#marks.sign(this.#hop, { method, target, bodyHash }, turn).text;
  }
}

/**
 * Answers a greeting, or puts the proof of a peer on the answer, for a server that stands in for a peer. Returns
 * whether it is answered.
 */
export function answerAsPeer(marks: PeerMarks, incoming: IncomingMessage, response: ServerResponse): boolean {
  const text = String(incoming.headers[header]);
  const greeting = marks.readGreeting(text);
  if (greeting) {
    response.setHeader(markHeader, greeting.answer("a-ticket"));
    response.statusCode = 204;
    response.end();
    return true;
  }
  const { method = "", url: target = "" } = incoming;
  response.setHeader(markHeader, marks.read(text, { method, target })!.proof);
  return false;
}
