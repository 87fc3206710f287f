import type { JsonObject } from "../../../shared/protocol.ts";

/** The sample rate of what people say, in hertz: what speech to text wants. */
export const heardRate = 16_000;
/** The sample rate of what is sent to people, in hertz: that of most voices. */
export const spokenRate = 24_000;

/** The reasons for which a connection of a participant ends. */
export type ClientEnd =
  /** It said goodbye. */
  | "left"
  /** Nothing was heard of it for some seconds, or its connection ended without a goodbye. It may come back. */
  | "vanished"
  /** It sent what no client of ours sends. */
  | "protocol_error"
  /** The same participant came in by another connection. */
  | "replaced"
  /** The agent has left the call. */
  | "call_ended"
  /** Another agent goes on with the call, and the client has to connect anew. */
  | "moved";

/** The connection of one participant, whatever it is made of. */
export interface Client {
  readonly transport: "webrtc" | "websocket";
  /** Returns 20 ms of what the participant says, of 16,000 Hz; null where it sends nothing. */
  pull(): Int16Array | null;
  /** Sends 20 ms of 24,000 Hz; null: there is nothing to hear. */
  send(samples: Int16Array | null): void;
  /** Sends a message beside the sound. It is dropped where the participant does not take it. */
  tell(message: JsonObject): void;
  /** Closes the connection and frees what it held. Never rejects. */
  close(end: ClientEnd, reason: string): Promise<void>;
}

/** The events of a connection. */
export interface ClientEvents {
  /** It sent a message beside the sound, as text. */
  readonly onMessage: (text: string) => void;
  /** It is over by itself. Called once at the most. */
  readonly onEnd: (end: ClientEnd) => void;
}
