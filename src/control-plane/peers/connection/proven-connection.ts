import type { ClientRequestArgs, RequestOptions as HttpRequestOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { http } from "../../../network/node-http.ts";
import { markHeader, type PeerMarks, type Turn } from "./mark.ts";
import { type AnswerHead, notTheOne, PeerError, unproven } from "./peer-error.ts";
import { ticketLifeMs } from "./tickets.ts";
import { WaitTimer } from "./wait-timer.ts";

/** The longest time that a peer may take to accept a connection, in milliseconds: peers are near. */
const connectTimeoutMs = 1_000;
/**
 * The time after which a silent connection is probed, in milliseconds. A connection whose other end vanished is closed
 * about 10 s later.
 */
const aliveAfterMs = 5_000;
/** The longest answer to a greeting, in bytes of its headers. */
const longestHead = 16_384;

/** The greeting of a new connection. */
export interface Greeting {
  readonly marks: PeerMarks;
  readonly from: string;
  readonly to: string;
  /** The path under which the API is mounted, with `/health` behind it. */
  readonly target: string;
  /** The longest time from the connection to the peer's answer, in milliseconds. */
  readonly signTimeoutMs: number;
}

/** The options of a request over a connection whose peer proves itself first. */
export interface ProvenRequestOptions extends HttpRequestOptions {
  readonly greeting: Greeting;
}

interface Ticket {
  readonly text: string;
  readonly givenAt: number;
  count: number;
}

const tickets = new WeakMap<Duplex, Ticket>();

/** Returns the turn by which the next request over a proven connection is marked; null where its ticket is too old. */
export function nextTurn(socket: Duplex): Turn | null {
  const ticket = tickets.get(socket);
  if (!ticket || performance.now() - ticket.givenAt > ticketLifeMs / 2) return null;
  ticket.count += 1;
  return { ticket: ticket.text, count: ticket.count };
}

type Done = (error: Error | null, socket: Duplex) => void;

/** Hands out connections whose other end has proved itself, and keeps them by its node id. */
export class ProvenHttpAgent extends http.Agent {
  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    prove(super.createConnection(options) as Socket, "connect", options, done);
  }

  override getName(options?: ClientRequestArgs): string {
    return `${super.getName(options)}:${greetingOf(options ?? {}).to}`;
  }
}

/** Does the same as {@link ProvenHttpAgent} over TLS. */
export class ProvenHttpsAgent extends HttpsAgent {
  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    prove(super.createConnection(options) as Socket, "secureConnect", options, done);
  }

  override getName(options?: ClientRequestArgs): string {
    return `${super.getName(options)}:${greetingOf(options ?? {}).to}`;
  }
}

/** Returns the greeting of a connection: an agent passes its options on as they are. */
function greetingOf(options: object): Greeting {
  return (options as ProvenRequestOptions).greeting;
}

function prove(
  socket: Socket,
  connected: "connect" | "secureConnect",
  options: ClientRequestArgs,
  done: Done | undefined,
): void {
  const { marks, from, to, target, signTimeoutMs } = greetingOf(options);
  const greeting = marks.greet(from, to);
  const timer = new WaitTimer((error) => socket.destroy(error));
  let head = "";
  const settle = (error: Error | null) => {
    timer.stop();
    socket.off("data", read).off("error", failed).off("close", closed);
    if (error) socket.destroy();
    done?.(error, socket);
  };
  const failed = (error: Error) => settle(new PeerError(error.message, true, error));
  const closed = () => settle(new PeerError("It closed the connection before it had said who it is", true));
  const read = (chunk: Buffer) => {
    head += chunk.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end === -1 && head.length < longestHead) return;
    const answer = headOf(head);
    const given = answer.headers[markHeader.toLowerCase()];
    const ticket = given === undefined ? null : greeting.ticketOf(given);
    if (ticket === null) return settle(unproven(answer));
    if (answer.status !== 204 || end + 4 !== head.length) return settle(notTheOne(answer));
    tickets.set(socket, { text: ticket, givenAt: performance.now(), count: 0 });
    settle(null);
  };
  // Between its proof and its request the connection has no other listener for errors.
  socket.on("error", () => undefined);
  socket.on("error", failed).on("close", closed).on("data", read);
  socket.setKeepAlive(true, aliveAfterMs);
  timer.wait("The connection to a peer", connectTimeoutMs);
  socket.once(connected, () => {
    timer.wait("A sign of life of a peer", signTimeoutMs);
    socket.write(
      `HEAD ${target} HTTP/1.1\r\nHost: ${options.host}:${options.port}\r\n${markHeader}: ${greeting.text}\r\n\r\n`,
    );
  });
}

/** Parses status and headers as far as possible: the sender may be anybody. */
function headOf(text: string): AnswerHead & { readonly headers: Readonly<Record<string, string>> } {
  const [line = "", ...fields] = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n");
  const headers = fields.flatMap((field) => {
    const colon = field.indexOf(":");
    return colon < 1 ? [] : [[field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]];
  });
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0),
    headers: Object.fromEntries(headers),
  };
}
