import type { Strategy } from "../call/call-connection-event.ts";
import { type StreamError, sfuError } from "../error.ts";
import { ErrorCode, WebsocketReconnectStrategy } from "../wire/enums.ts";
import type { SfuEvent } from "../wire/messages.ts";

export type ErrorEvent = Extract<SfuEvent, { type: "error" }>["value"];

/** A fault that an SFU reports in a call, and the reaction that it wants; null is none. */
export interface SfuFault {
  readonly error: StreamError;
  readonly wish: Strategy | "leave" | null;
  /** True where only another edge helps. */
  readonly badEdge: boolean;
}

const wishes: Readonly<Record<number, Strategy | "leave">> = {
  [WebsocketReconnectStrategy.DISCONNECT]: "leave",
  [WebsocketReconnectStrategy.FAST]: "fast",
  [WebsocketReconnectStrategy.REJOIN]: "rejoin",
  [WebsocketReconnectStrategy.MIGRATE]: "migrate",
};

const full: ReadonlySet<number | undefined> = new Set([
  ErrorCode.SFU_FULL,
  ErrorCode.SFU_SHUTTING_DOWN,
  ErrorCode.CALL_PARTICIPANT_LIMIT_REACHED,
]);

/** Returns whether an edge has no room for anybody, so that another one has to do. */
export const hasNoRoom = ({ number }: StreamError): boolean => full.has(number);

/** An error event that does not say which. */
const noFault = { code: 0, message: "", shouldRetry: false };

export function readFault({ error: fault = noFault, reconnectStrategy }: ErrorEvent): SfuFault {
  const error = sfuError("In a call", fault, reconnectStrategy);
  return { error, wish: wishes[reconnectStrategy] ?? null, badEdge: hasNoRoom(error) };
}
