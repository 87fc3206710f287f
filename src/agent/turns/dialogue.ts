import type { AgentEvent, TurnOutcome } from "../../shared/agent-event.ts";
import { plainError } from "../../shared/errors.ts";
import { type Measurement, now, type TextMessage } from "../../shared/protocol.ts";
import type { FilledAgentOptions, SayOptions } from "../agent-options.ts";
import { CallAudio } from "../call/call-audio.ts";
import type { ConnectionAudio } from "../edge.ts";
import type { AgentHost } from "../host.ts";
import { Budget } from "../options/budget.ts";
import type { Output, OutputEvents } from "../speaking/output.ts";
import { TextOutput } from "../speaking/text-output.ts";
import type { STT } from "../stt.ts";
import type { TTS } from "../tts.ts";
import { Conversation } from "./conversation.ts";
import { Turn } from "./turn.ts";
import type { TurnContext } from "./turn-context.ts";
import type { TurnInput } from "./turn-input.ts";
import { TurnQueue, type TurnRank } from "./turn-queue.ts";

export interface DialogueOptions {
  readonly agent: FilledAgentOptions;
  /** Fires when the dialogue is over. */
  readonly signal: AbortSignal;
  /**
   * Returns the host. It is called when the host is needed, since the session takes hold of the agent after the agent was
   * made.
   */
  readonly host: () => AgentHost;
  readonly emit: (event: AgentEvent) => void;
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
  readonly #options: DialogueOptions;
  readonly #conversation: Conversation;
  readonly #budget: Budget;
  readonly #queue: TurnQueue;
  /** Participants who cannot be heard at the moment, though they are there. */
  readonly #unheard = new Set<string>();
  #voice: CallAudio | null = null;
  #joined = false;
  #turns = 0;

  constructor(options: DialogueOptions) {
    const { limits, budget } = options.agent;
    this.#options = options;
    this.#conversation = new Conversation(limits);
    this.#budget = new Budget(budget);
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
  useSound(audio: ConnectionAudio, services: { readonly stt?: STT; readonly tts?: TTS }): void {
    const { agent, signal, onChange, onWords } = this.#options;
    const { log } = this.#host;
    this.#voice = new CallAudio({
      audio,
      stt: services.stt,
      tts: services.tts,
      text: {
        ...(agent.ttsTextTransforms ? { transforms: agent.ttsTextTransforms } : {}),
        ...(agent.pronunciations ? { pronunciations: agent.pronunciations } : {}),
      },
      queue: this.#queue,
      bargeIn: agent.bargeIn,
      stalledTurnMs: agent.limits.stalledTurnMs,
      listen: () => this.#turn(null),
      permit: (provider, signal) => this.#permit(provider, signal),
      measure: (measurement) => this.#measured(measurement),
      log,
      signal,
      onChange,
      onWords,
      hearingRetryMs: agent.limits.hearingRetryMs,
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

  get #host(): AgentHost {
    return this.#options.host();
  }

  #turn(input: TurnInput | null, interruptible = true): Turn {
    const { agent, emit } = this.#options;
    const setting: TurnContext = {
      llm: agent.llm,
      allowedTools: agent.allowedTools,
      instructions: agent.instructions,
      agentId: agent.agentUser.id,
      limits: agent.limits,
      conversation: this.#conversation,
      permit: (provider, signal) => this.#permit(provider, signal),
      isSilent: (text) => this.#voice?.isSilent(text) ?? false,
      openOutput: (events) => this.#openOutput(events),
      emit,
      measure: (measurement) => this.#measured(measurement),
      log: this.#host.log,
      logTranscripts: this.#host.logTranscripts,
    };
    return new Turn(`turn_${++this.#turns}`, input, setting, interruptible);
  }

  #openOutput(events: OutputEvents): Output {
    return this.#voice?.open(events) ?? new TextOutput(events.heard);
  }

  #permit(provider: string, signal: AbortSignal): Promise<Disposable> {
    return this.#host.permit(provider, signal, this.#options.agent.limits.permitTimeoutMs);
  }

  #measured(measurement: Measurement): void {
    this.#budget.add(measurement);
    this.#host.measured(measurement);
  }

  /**
   * Says the apology for a participant who is not heard. It is said once, however many are not heard, since the recogniser
   * has failed for all.
   */
  #unheardFrom(participantId: string, error: unknown): void {
    const { agent, emit } = this.#options;
    const first = this.#unheard.size === 0;
    this.#unheard.add(participantId);
    emit({ type: "participant_unheard", at: now(), participantId, error: plainError(error) });
    this.#host.log.error(
      { participant_id: participantId, err: plainError(error) },
      "a participant is unheard",
    );
    if (first && agent.unheardApology !== null) this.#apologise(agent.unheardApology);
  }

  #heardAgain(participantId: string): void {
    this.#unheard.delete(participantId);
    this.#options.emit({ type: "participant_heard", at: now(), participantId });
    this.#host.log.info({ participant_id: participantId }, "a participant is heard again");
  }

  #apologise(text: string): void {
    this.#queue.add(this.#turn({ origin: "say", text }), "next", false);
  }

  #turnOver({ input }: Turn, outcome: TurnOutcome): void {
    const { agent, onAnswered, onExhausted } = this.#options;
    const { exhausted } = this.#budget;
    if (exhausted !== null) {
      onExhausted(exhausted);
      return;
    }
    if (input?.origin === "participant") onAnswered();
    if (outcome !== "failed" || input?.origin === "say" || agent.apology === null) return;
    this.#apologise(agent.apology);
  }
}
