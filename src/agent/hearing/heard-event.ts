import type { ConnectionAudio } from "../edge.ts";
import type { SpeechEvent, STT } from "../stt.ts";

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
}
