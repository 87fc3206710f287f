import type { Message } from "../model/message.ts";

export type ParticipantMessage = Extract<Message, { readonly role: "participant" }>;

/** The words that a turn answers or says. */
export type TurnInput =
  | {
      readonly origin: "participant";
      readonly participantId: string;
      readonly text: string;
      /** The typed message that it is, where it is one. */
      readonly messageId?: string;
    }
  | { readonly origin: "response"; readonly instruction: string }
  | { readonly origin: "say"; readonly text: string };

/** Returns the messages that a turn adds to the conversation before its answer. */
export function questionOf(input: TurnInput | null): Message[] {
  switch (input?.origin) {
    case "participant":
      return [{ role: "participant", participantId: input.participantId, text: input.text }];
    case "response":
      return [{ role: "instruction", text: input.instruction }];
    case "say":
    case undefined:
      return [];
    default:
      return input satisfies never;
  }
}
