import type { Message } from "../model/message.ts";
import type { Conversation } from "./conversation.ts";
import { type ParticipantMessage, questionOf, type TurnInput } from "./turn-input.ts";
import type { TurnReport } from "./turn-report.ts";

/** The message that stands in the conversation for words that were blocked. */
export const blockedMessage: Message = {
  role: "instruction",
  text: "(The words of a participant were blocked, and are not known. You have told them so.)",
};

/** The words that a turn answers, or says: they become part of the call once, whatever becomes of the answer. */
export class TurnQuestion {
  readonly #report: TurnReport;
  readonly #conversation: Conversation;
  /** The words of others while the participant spoke, which are answered together with theirs. */
  readonly #overheard: ParticipantMessage[] = [];
  #input: TurnInput | null;
  #begun = false;
  #blocked = false;
  /** The words are told, as far as they will be known. */
  #told = false;
  /** The message that the words are in the conversation; null until the turn is over. */
  #message: Message | null = null;

  constructor(report: TurnReport, conversation: Conversation, input: TurnInput | null) {
    this.#report = report;
    this.#conversation = conversation;
    this.#input = input;
  }

  /** Returns the words that the turn answers; null while a participant speaks, until they are committed. */
  get input(): TurnInput | null {
    return this.#input;
  }

  /** Returns whether the turn was the agent's, if only for a moment. */
  get begun(): boolean {
    return this.#begun;
  }

  get messages(): readonly Message[] {
    if (this.#blocked) return [blockedMessage];
    return [...this.#overheard, ...questionOf(this.#input)];
  }

  overhears(participantId: string, text: string): void {
    this.#overheard.push({ role: "participant", participantId, text });
  }

  commit(input: TurnInput): void {
    this.#input = input;
  }

  /** Keeps the words out of the conversation, since a guard has blocked them. */
  blocked(): void {
    this.#blocked = true;
  }

  /** Begins with the turn: its words are told, unless they may still come. */
  begins(): void {
    if (this.#begun) return;
    this.#begun = true;
    for (const { participantId, text } of this.#overheard) this.#report.notes(participantId, text, false);
    this.#report.begins(this.#input);
    if (this.#input?.origin === "participant" && this.#input.speech?.final !== false) this.#tell();
  }

  /** Takes the words of speech that the model has heard itself. */
  hears(text: string): void {
    const input = this.#input;
    if (this.#told || input?.origin !== "participant" || input.speech === undefined) return;
    this.#input = { ...input, text, speech: { ...input.speech, final: true } };
    if (this.#begun) this.#tell();
    const [message] = questionOf(this.#input);
    if (this.#message && message) this.#conversation.replace(this.#message, message);
  }

  /** Ends with the turn, and returns the messages that it adds to the conversation. Words that nobody has understood may come later. */
  ends(): readonly Message[] {
    if (this.#input?.origin === "participant" && this.#input.text !== "") this.#tell();
    const messages = this.messages;
    this.#message = messages.at(-1) ?? null;
    return messages;
  }

  #tell(): void {
    if (this.#told || this.#input?.origin !== "participant") return;
    this.#told = true;
    if (this.#input.text !== "" || this.#input.speech === undefined) this.#report.asked(this.#input);
  }
}
