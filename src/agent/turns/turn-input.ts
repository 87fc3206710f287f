import type { Message, MessagePart } from "../model/message.ts";

export type ParticipantMessage = Extract<Message, { readonly role: "participant" }>;

/** Speech of a participant that the model has heard itself. */
export interface HeardSpeech {
  /** The id by which the model knows the turn. */
  readonly turnId: string;
  readonly durationMs: number;
  /** False while its words may still come, or be understood better. */
  readonly final: boolean;
}

/** The words that a turn answers or says. */
export type TurnInput =
  | {
      readonly origin: "participant";
      readonly participantId: string;
      readonly text: string;
      /** The typed message that it is, where it is one. */
      readonly messageId?: string;
      /** The speech that it is, where the model has heard it itself. */
      readonly speech?: HeardSpeech;
    }
  /**
   * `instruction`: null where the model speaks by itself, or answers `messages`. `messages`: those of a turn that was cut, which this one
   * goes on with, or others that are owed an answer, such as the end of a task.
   */
  | {
      readonly origin: "response";
      readonly instruction: string | null;
      readonly messages?: readonly Message[];
    }
  /** `owed`: true where no code would say it again, such as for the rest of words that were cut. */
  | { readonly origin: "say"; readonly text: string; readonly owed?: boolean };

/** Returns whether a turn that waits is to be taken up by the next agent of the call: the agent's own code does not ask for it again. */
export function isOwed(input: TurnInput): boolean {
  switch (input.origin) {
    case "participant":
      return input.text !== "";
    case "response":
      return goesOn(input);
    case "say":
      return input.owed === true;
    default:
      return input satisfies never;
  }
}

/** Returns whether a turn answers messages that are owed an answer, such as those of a turn that was cut. */
export const goesOn = (input: TurnInput): boolean =>
  input.origin === "response" && input.messages !== undefined;

/** Returns the messages that a turn adds to the conversation before its answer. */
export function questionOf(input: TurnInput | null): Message[] {
  switch (input?.origin) {
    case "participant": {
      const { participantId, text, speech } = input;
      return [{ role: "participant", participantId, text, ...(speech && { parts: partsOf(text, speech) }) }];
    }
    case "response":
      return [
        ...(input.messages ?? []),
        ...(input.instruction === null ? [] : [{ role: "instruction", text: input.instruction } as const]),
      ];
    case "say":
    case undefined:
      return [];
    default:
      return input satisfies never;
  }
}

function partsOf(text: string, { durationMs }: HeardSpeech): MessagePart[] {
  const audio: MessagePart = { type: "audio", durationMs };
  return text === "" ? [audio] : [audio, { type: "text", text }];
}
