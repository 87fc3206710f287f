import type { CloseReason, KillReason } from "../../shared/end-reasons.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type {
  LeaveData,
  SessionAnswer,
  SessionAssignment,
  SessionQuestion,
  TextMessage,
  ToThread,
} from "../../shared/protocol.ts";
import type { Slot, SlotHolder } from "../threads/slot.ts";
import { Questions } from "./questions.ts";
import { TypedMessages } from "./typed-messages.ts";

/** The thread of a session, while it has one: what the agent is sent and asked, and how the thread is let go. */
export class SessionThread {
  readonly #graceMs: number;
  readonly #questions = new Questions();
  readonly #typed = new TypedMessages();
  #slot: Slot | null = null;
  #graceTimer: NodeJS.Timeout | null = null;
  /** Leaves the call with the data. It is kept by itself, since the session may end before its thread is gone. */
  #leave: ((leaveData: LeaveData) => void) | null;
  /** The data for leaving its call, which hold secrets. */
  leaveData: LeaveData | null = null;
  #ended = false;

  /**
   * @param graceMs The longest time that the agent may take to close, in milliseconds.
   * @param leave A function that is called where the thread is gone and has not left its call.
   */
  constructor(graceMs: number, leave: (leaveData: LeaveData) => void) {
    this.#graceMs = graceMs;
    this.#leave = leave;
  }

  get slot(): Slot | null {
    return this.#slot;
  }

  /** Gives the thread its session, with the typed messages that the thread before has not taken. */
  assign(slot: Slot, assignment: SessionAssignment, holder: SlotHolder): void {
    this.#slot = slot;
    slot.assign(assignment, holder);
    for (const message of this.#typed.all) this.send({ type: "message", message });
  }

  send(message: ToThread): void {
    this.#slot?.send(message);
  }

  /** Hands the agent a message that a participant typed. Returns the message's id. Throws MESSAGE_QUEUE_FULL. */
  sendTyped(message: { readonly text: string; readonly participantId: string }): string {
    const typed = this.#typed.add(message);
    this.send({ type: "message", message: typed });
    return typed.messageId;
  }

  /** Returns the typed messages that the agent has not taken. */
  get typed(): readonly TextMessage[] {
    return [...this.#typed.all];
  }

  /** Takes over typed messages that another process was given. */
  takeOverTyped(messages: readonly TextMessage[]): void {
    for (const message of this.#typed.takeOver(messages)) this.send({ type: "message", message });
  }

  /** Knows these typed messages alone from here on, of which the thread is told otherwise. */
  replaceTyped(messages: readonly TextMessage[]): void {
    this.#typed.replace(messages);
  }

  /** Notes that the agent took a typed message. */
  taken(messageId: string): void {
    this.#typed.taken(messageId);
  }

  ask(question: SessionQuestion): Promise<SessionAnswer> {
    return this.#questions.ask(question, (number) => this.send({ type: "question", number, question }));
  }

  answered(number: number, answer: SessionAnswer): void {
    this.#questions.answered(number, answer);
  }

  /**
   * Asks the agent to leave, and ends the thread where it does not within the grace. Returns whether there is a thread.
   * @param moved True where another agent is in the call, and goes on with it.
   */
  close(reason: CloseReason, killReason: () => KillReason, moved = false): boolean {
    if (!this.#slot) return false;
    this.#slot.draining();
    this.#slot.send({ type: "close", reason, moved });
    const message = `The agent ignored the close for ${this.#graceMs} ms (closeGraceMs, --close-grace-ms)`;
    this.#graceTimer = setTimeout(() => this.#slot?.kill({ reason: killReason(), message }), this.#graceMs);
    return true;
  }

  /** Ends the thread. Returns whether there is one. */
  retire(): boolean {
    const slot = this.#slot;
    slot?.retire();
    return slot !== null;
  }

  /** Notes that the thread is gone. */
  gone(): void {
    this.#slot = null;
    if (this.leaveData) this.#leave?.(this.leaveData);
    this.leaveData = null;
    if (this.#ended) this.#leave = null;
    else this.#questions.close(new GreenroomError("NOT_IN_CALL"));
  }

  /** Notes that the session has ended: nothing is asked any more. */
  end(): void {
    clearTimeout(this.#graceTimer ?? undefined);
    this.#graceTimer = null;
    this.#ended = true;
    this.#questions.close(new GreenroomError("SESSION_CLOSING"));
    if (!this.#slot) this.#leave = null;
  }
}
