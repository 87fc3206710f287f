import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { isRightKey } from "../emulator.ts";
import { type DeepgramFault, refusals } from "./faults.ts";
import { checkQuery, type ListenQuery } from "./query.ts";

/** A valid handshake. */
export interface AcceptedHandshake {
  readonly version: 1 | 2;
  readonly query: ListenQuery;
  readonly requestId: string;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Checks the key of a handshake. With null every key is accepted that does not begin with `wrong`. */
export function checkKey(request: IncomingMessage, apiKey: string | null): Refusal | null {
  const given = /^(?:token|bearer) (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (given !== undefined && isRightKey(given, apiKey)) return null;
  return refusal(401);
}

/** Returns Deepgram's answer to this handshake. */
export function judge(
  request: IncomingMessage,
  fault: DeepgramFault,
  apiKey: string | null,
): AcceptedHandshake | Refusal {
  if (fault.status !== undefined) return refusal(fault.status, fault.errorMessage, fault.errorCode);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const refused = checkKey(request, apiKey);
  if (refused) return refused;
  if (pathname !== "/v1/listen" && pathname !== "/v2/listen") return refusal(404);
  const version = pathname === "/v2/listen" ? 2 : 1;
  const query = checkQuery(version, searchParams);
  return typeof query === "string" ? refusal(400, query) : { version, query, requestId: randomUUID() };
}

function refusal(status: number, message?: string, code?: string): Refusal {
  const [, usualCode, usualMessage] = refusals[status] ?? ["Error", "ERROR", "An error occurred."];
  return { status, code: code ?? usualCode, message: message ?? usualMessage };
}

/** The body of an error: in newer answers by `category`, in older ones by `err_code`. */
export function refusalBody(
  { code, message }: Pick<Refusal, "code" | "message">,
  requestId: string,
  older = false,
): object {
  return older
    ? { err_code: code, err_msg: message, request_id: requestId }
    : { category: code, message, details: "", request_id: requestId };
}

/** Answers with an error as Deepgram does: a JSON body, and its gist in the headers. */
export function refuse(socket: Duplex, { status, code, message }: Refusal, fault: DeepgramFault): void {
  const requestId = randomUUID();
  const body = JSON.stringify(refusalBody({ code, message }, requestId, fault.olderBody));
  const { retryAfterSeconds } = fault;
  const head = [
    `HTTP/1.1 ${status} ${refusals[status]?.[0] ?? "Error"}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body) + (fault.endlessBody ? 1 : 0)}`,
    `dg-request-id: ${requestId}`,
    `dg-error: ${message}`,
    ...(retryAfterSeconds === undefined ? [] : [`retry-after: ${retryAfterSeconds}`]),
    "connection: close",
  ];
  const answer = `${head.join("\r\n")}\r\n\r\n${body}`;
  if (fault.endlessBody) socket.write(answer);
  else socket.end(answer);
}
