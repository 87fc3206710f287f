import type { ReconnectStrategy } from "../call/call-connection-event.ts";
import { type StreamError, sfuError } from "../error.ts";
import { ErrorCode, WebsocketReconnectStrategy } from "../wire/enums.ts";
import type { SfuEvent } from "../wire/messages.ts";

export type ErrorEvent = Extract<SfuEvent, { type: "error" }>["value"];

/** An error that an SFU reports in a call. */
export interface SfuFault {
  readonly error: StreamError;
  /** The reaction that the SFU asks for; null: none. */
  readonly reaction: ReconnectStrategy | "leave" | null;
  /** Says whether only another SFU helps. */
  readonly edgeUnusable: boolean;
}

const reactions: Readonly<Record<number, ReconnectStrategy | "leave">> = {
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

/** Returns whether an SFU accepts nobody, so that another one has to be asked for. */
export const hasNoRoom = ({ number }: StreamError): boolean => full.has(number);

/** The error of an event that carries none. */
const unknownError = { code: 0, message: "", shouldRetry: false };

/** Reads an error event. */
export function readFault({ error: fault = unknownError, reconnectStrategy }: ErrorEvent): SfuFault {
  const error = sfuError("In a call", fault, reconnectStrategy);
  return { error, reaction: reactions[reconnectStrategy] ?? null, edgeUnusable: hasNoRoom(error) };
}
