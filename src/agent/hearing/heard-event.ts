import type { Measurement } from "../../shared/protocol.ts";
import type { ConnectionAudio } from "../edge.ts";
import type { Log } from "../log.ts";
import type { SpeechEvent, STT } from "../stt.ts";
import type { AskPermit } from "../thread/permits.ts";

/** An event of the participant who has the floor. */
export type HeardEvent =
  | Exclude<SpeechEvent, { readonly type: "error" }>
  /** The participant began to speak while another had the floor, and is heard from here on. */
  | { readonly type: "taken_up" };

export interface TranscriptionOptions {
  readonly stt: STT;
  readonly audio: ConnectionAudio;
  readonly heard: (participantId: string, event: HeardEvent) => void;
  /** Called when somebody has said this while another had the floor. */
  readonly overheard: (participantId: string, text: string) => void;
  /** A participant cannot be heard. It is tried again for as long as they are there; told once until they are heard again. */
  readonly unheard: (participantId: string, error: unknown) => void;
  readonly heardAgain: (participantId: string) => void;
  /** Pause before a participant is listened to again, in milliseconds. It doubles, up to 12 times as much. */
  readonly retryAfterMs: number;
  readonly permit: AskPermit;
  readonly measure: (measurement: Measurement) => void;
  readonly log: Log;
  /** Fires when the agent leaves. */
  readonly signal: AbortSignal;
}
