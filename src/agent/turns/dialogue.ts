import type { TurnOutcome } from "../../shared/agent-event.ts";
import { plainError } from "../../shared/errors.ts";
import { now, type TextMessage } from "../../shared/protocol.ts";
import { type FilledAgentOptions, type SayOptions, toolsOf } from "../agent-options.ts";
import { CallAudio } from "../call/call-audio.ts";
import type { CallContext } from "../call/call-context.ts";
import type { ConnectionAudio } from "../edge.ts";
import { PipelineResponder } from "../model/pipeline-responder.ts";
import type { Budget } from "../options/budget.ts";
import type { Output, OutputEvents } from "../speaking/output.ts";
import { TextOutput } from "../speaking/text-output.ts";
import { Conversation } from "./conversation.ts";
import type { Responder } from "./responder.ts";
import { Turn } from "./turn.ts";
import type { TurnInput } from "./turn-input.ts";
import type { TurnParts } from "./turn-parts.ts";
import { TurnQueue, type TurnRank } from "./turn-queue.ts";

export interface DialogueOptions {
  readonly agent: FilledAgentOptions;
  readonly budget: Budget;
  /** Called when somebody has begun to say something, or is done. */
  readonly onChange: () => void;
  /** A participant has spoken words. */
  readonly onWords: () => void;
  /** An exchange with a participant is over. */
  readonly onAnswered: () => void;
  /** The session has used up what it may. */
  readonly onExhausted: (what: string) => void;
}

/**
 * The dialogue of one call, by text or by voice: it runs one turn after the other, and keeps the conversation that each
 * turn knows.
 */
export class Dialogue {
  readonly #context: CallContext;
  readonly #options: DialogueOptions;
  readonly #conversation: Conversation;
  readonly #responder: Responder;
  readonly #queue: TurnQueue;
  /** Participants who cannot be heard at the moment, though they are there. */
  readonly #unheard = new Set<string>();
  #voice: CallAudio | null = null;
  #joined = false;
  #turns = 0;

  constructor(context: CallContext, options: DialogueOptions) {
    const { limits } = context;
    this.#context = context;
    this.#options = options;
    this.#conversation = new Conversation(limits);
    const { agent } = options;
    this.#responder = new PipelineResponder(context, {
      llm: agent.llm,
      instructions: agent.instructions,
      tools: () => toolsOf(agent),
      isSilent: (text) => this.#voice?.isSilent(text) ?? false,
    });
    this.#queue = new TurnQueue({
      maxWaiting: limits.maxWaitingTurns,
      onOver: (turn, outcome) => this.#turnOver(turn, outcome),
      onChange: options.onChange,
    });
  }

  /** Returns whether a turn is running or waiting, or somebody speaks. */
  get busy(): boolean {
    return this.#queue.busy || this.#voice?.listening === true;
  }

  /** The call has sound: participants are heard from here on, and the agent speaks. */
  useSound(audio: ConnectionAudio): void {
    const { agent, onChange, onWords } = this.#options;
    this.#voice = new CallAudio(this.#context, {
      audio,
      stt: agent.stt,
      tts: agent.tts,
      text: {
        ...(agent.ttsTextTransforms ? { transforms: agent.ttsTextTransforms } : {}),
        ...(agent.pronunciations ? { pronunciations: agent.pronunciations } : {}),
      },
      queue: this.#queue,
      bargeIn: agent.bargeIn,
      listen: () => this.#turn(null),
      onChange,
      onWords,
      unheard: (participantId, error) => this.#unheardFrom(participantId, error),
      heardAgain: (participantId) => this.#heardAgain(participantId),
    });
  }

  /**
   * The agent has joined: what waits is answered. The code that follows the join has the first word, such as a greeting, where it
   * speaks at once.
   */
  open(): void {
    this.#joined = true;
    process.nextTick(() => this.#queue.open());
  }

  /**
   * A participant has typed this. It cuts short what the agent is saying, but for what its own code has it say in a call of text,
   * such as a greeting: that is written in a moment, and would stand there cut.
   */
  take(message: TextMessage): void {
    const { running } = this.#queue;
    const interrupt = this.#voice !== null || running?.input?.origin === "participant";
    this.#queue.add(this.#turn({ origin: "participant", ...message }), "participant", interrupt);
  }

  /** Asks the model for an answer to an instruction, once the running turn is over. */
  respond(instruction: string): Promise<TurnOutcome> {
    const turn = this.#turn({ origin: "response", instruction });
    this.#add(turn, "agent", false);
    return turn.ended;
  }

  say(text: string, { interrupt = false, interruptible = true }: SayOptions): Promise<TurnOutcome> {
    const turn = this.#turn({ origin: "say", text }, interruptible);
    this.#add(turn, interrupt ? "next" : "agent", interrupt);
    return turn.ended;
  }

  #add(turn: Turn, rank: TurnRank, interrupt: boolean): void {
    this.#queue.add(turn, rank, interrupt);
    if (this.#joined) this.#queue.open();
  }

  participantLeft(participantId: string): void {
    this.#unheard.delete(participantId);
    this.#voice?.participantLeft(participantId);
  }

  /** Every turn is over, and there is no other. */
  end(): void {
    this.#queue.close();
    this.#voice?.stopListening();
  }

  /** Frees the ears and the mouth. */
  async close(): Promise<void> {
    await this.#voice?.close();
  }

  #turn(input: TurnInput | null, interruptible = true): Turn {
    const parts: TurnParts = {
      responder: this.#responder,
      conversation: this.#conversation,
      openOutput: (events) => this.#openOutput(events),
    };
    return new Turn(this.#context, parts, `turn_${++this.#turns}`, input, interruptible);
  }

  #openOutput(events: OutputEvents): Output {
    return this.#voice?.open(events) ?? new TextOutput(events.heard);
  }

  /**
   * Says the apology for a participant who is not heard. It is said once, however many are not heard, since the recogniser
   * has failed for all.
   */
  #unheardFrom(participantId: string, error: unknown): void {
    const { emit, log } = this.#context;
    const { unheardApology } = this.#options.agent;
    const first = this.#unheard.size === 0;
    this.#unheard.add(participantId);
    emit({ type: "participant_unheard", at: now(), participantId, error: plainError(error) });
    log.error({ participant_id: participantId, err: plainError(error) }, "a participant is unheard");
    if (first && unheardApology !== null) this.#apologise(unheardApology);
  }

  #heardAgain(participantId: string): void {
    this.#unheard.delete(participantId);
    this.#context.emit({ type: "participant_heard", at: now(), participantId });
    this.#context.log.info({ participant_id: participantId }, "a participant is heard again");
  }

  #apologise(text: string): void {
    this.#queue.add(this.#turn({ origin: "say", text }), "next", false);
  }

  #turnOver({ input }: Turn, outcome: TurnOutcome): void {
    const { agent, onAnswered, onExhausted } = this.#options;
    const { exhausted } = this.#options.budget;
    if (exhausted !== null) {
      onExhausted(exhausted);
      return;
    }
    if (input?.origin === "participant") onAnswered();
    if (outcome !== "failed" || input?.origin === "say" || agent.apology === null) return;
    this.#apologise(agent.apology);
  }
}
