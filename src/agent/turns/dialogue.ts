import { within } from "../../shared/deadline.ts";
import type { TextMessage } from "../../shared/protocol.ts";
import type { TurnOutcome } from "../../shared/session/agent-event.ts";
import type { FilledAgentOptions } from "../agent-options.ts";
import type { SayOptions } from "../call/agent-in-call.ts";
import type { CallContext } from "../call/call-context.ts";
import type { MessageStore } from "../call/call-history.ts";
import type { ConnectionAudio } from "../edge.ts";
import { GuardedResponder } from "../guards/guarded-responder.ts";
import type { Hearing } from "../hearing/hearing.ts";
import { RecognisedHearing } from "../hearing/recognised-hearing.ts";
import type { Message } from "../model/message.ts";
import { PipelineResponder } from "../model/pipeline-responder.ts";
import type { Budget } from "../options/budget.ts";
import { RealtimeHearing } from "../realtime/realtime-hearing.ts";
import { RealtimeResponder } from "../realtime/realtime-responder.ts";
import { isRealtime, type RealtimeModel } from "../realtime-model.ts";
import type { DialogueState } from "../resume/call-state.ts";
import { takeUp } from "../resume/take-up.ts";
import { answeringRole } from "../role/answering-role.ts";
import type { CurrentRole } from "../role/current-role.ts";
import type { Handoff } from "../role/handoff.ts";
import type { Output, OutputEvents } from "../speaking/output.ts";
import { Playback } from "../speaking/playback.ts";
import { TextOutput } from "../speaking/text-output.ts";
import { Tasks } from "../tools/tasks.ts";
import { ToolError } from "../tools/tool-error.ts";
import { Conversation } from "./conversation.ts";
import type { Answer } from "./responder.ts";
import { Turn } from "./turn.ts";
import { isOwed, questionOf, type TurnInput } from "./turn-input.ts";
import type { OutputKind } from "./turn-output.ts";
import type { TurnParts } from "./turn-parts.ts";
import { blockedMessage } from "./turn-question.ts";
import { TurnQueue, type TurnRank } from "./turn-queue.ts";
import { reportCutTurn } from "./turn-report.ts";
import { UnheardParticipants } from "./unheard-participants.ts";

/** The longest time that the end of a sentence is waited for, in milliseconds, where another agent goes on with the call. */
const longestEndMs = 1_500;

export interface DialogueOptions {
  readonly agent: FilledAgentOptions;
  readonly role: CurrentRole;
  readonly budget: Budget;
  /** The state of the dialogue that is taken up; null where it begins. */
  readonly before: DialogueState | null;
  /** Takes in that the dialogue has come a step further, so that its `state` is another one. */
  readonly onStep: () => void;
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
  readonly #responder: PipelineResponder | RealtimeResponder;
  /** The same with the guards of the agent in front of it; null where it has none. */
  readonly #guarded: GuardedResponder | null = null;
  readonly #queue: TurnQueue;
  readonly #tasks: Tasks;
  readonly #unheard: UnheardParticipants;
  /** The two sides of the call's sound; null in a call of text, or where the agent hears nobody. */
  #hearing: Hearing | null = null;
  #playback: Playback | null = null;
  /** The ids of typed messages, until the agent has joined and taken up what another one left. */
  readonly #typed = new Set<string>();
  #joined = false;
  #turns = 0;
  /** The handoffs since a participant has last said something. */
  #handoffs = 0;

  constructor(context: CallContext, options: DialogueOptions) {
    const { limits } = context;
    this.#context = context;
    this.#options = options;
    this.#conversation = new Conversation(limits);
    this.#conversation.append(options.before?.messages ?? []);
    this.#turns = options.before?.turns ?? 0;
    const { unheardApology } = options.agent;
    this.#unheard = new UnheardParticipants(context, () => {
      if (unheardApology !== null && !this.#speaksItself) this.#apologise(unheardApology);
    });
    this.#tasks = new Tasks(context, {
      onEnded: (instruction) => void this.owe(instruction),
      onChange: options.onStep,
    });
    this.#responder = this.#makeResponder(options.agent);
    const { guards } = options.agent;
    if (guards.length > 0) {
      this.#guarded = new GuardedResponder(this.#responder, guards, {
        log: context.log,
        onBlocked: (message) => this.#conversation.replace(message, blockedMessage),
      });
      this.#guarded.knows(this.#conversation.messages);
    }
    this.#queue = new TurnQueue({
      maxWaiting: limits.maxWaitingTurns,
      onOver: (turn, outcome) => this.#turnOver(turn, outcome),
      onChange: options.onChange,
      onWaits: ({ input }) => input && isOwed(input) && options.onStep(),
    });
  }

  /** Returns whether a turn is running or waiting, or somebody speaks. */
  get busy(): boolean {
    return this.#queue.busy || this.#hearing?.listening === true;
  }

  /** Returns the dialogue as another agent could take it up. */
  get state(): DialogueState {
    const waiting = this.#queue.waiting.flatMap(({ input }) => (input && isOwed(input) ? [input] : []));
    const pending = this.#queue.running?.pending ?? null;
    const responder = this.#responder;
    const handle = responder.hears ? responder.connection.handle : null;
    const { messages } = this.#conversation;
    return { messages, pending, waiting, turns: this.#turns, tasks: this.#tasks.state, handle };
  }

  /**
   * Goes on with a dialogue that was cut.
   * @param heard The agent's words that were heard in the turn that was cut.
   * @param line The words that come first where the agent owes an answer; null: none.
   */
  takeUp(before: DialogueState, heard: string, line: string | null): void {
    const { messages, owes, turns } = takeUp(before, heard);
    this.#tasks.follow(before.tasks);
    if (before.pending !== null) reportCutTurn(this.#context, before.pending, heard);
    this.#conversation.append(messages);
    if (owes && line !== null) this.#queue.add(this.#turn({ origin: "say", text: line }), "next", false);
    for (const input of turns) this.#takeUpTurn(input);
  }

  /**
   * Takes up a turn of the agent before. Typed words may be known both from the agent before and from the main thread, which
   * hands them over until they are taken.
   */
  #takeUpTurn(input: TurnInput): void {
    const isAsked = input.origin === "participant";
    if (isAsked && input.messageId !== undefined) {
      if (this.#typed.has(input.messageId)) return;
      this.#typed.add(input.messageId);
    }
    // The rest of a turn that was cut comes before the words that were typed since.
    this.#queue.add(this.#turn(input), isAsked ? "participant" : "next", false);
  }

  /** Returns the conversation as the agent's own code has it in hand. */
  get history(): MessageStore {
    const conversation = this.#conversation;
    return {
      get messages() {
        return conversation.messages;
      },
      append: (messages) => {
        conversation.append(messages);
        if (this.#responder.hears) this.#responder.connection.append(messages);
        this.#options.onStep();
      },
    };
  }

  /** Begins no turn from here on. The one under way is cut, and what is left of it waits. */
  rest(): void {
    this.#queue.rest();
    const rest = this.#queue.running?.handOver() ?? null;
    if (rest !== null) this.#queue.add(this.#turn(rest), "next", false);
  }

  /** Returns the time until what was said is heard, in milliseconds, where it goes on by itself. */
  get soundLeftMs(): number {
    const leftMs = this.#playback?.leftMs ?? 0;
    return Number.isFinite(leftMs) ? leftMs : 0;
  }

  /** Says nothing for so many milliseconds, while the agent before is heard to its end. */
  holdSound(ms: number): void {
    if (ms > 0) this.#playback?.hold(ms);
  }

  /** Resolves when what was said is heard, or soon. */
  async soundOver(): Promise<void> {
    if (this.soundLeftMs === 0 || this.#playback === null) return;
    await within(this.#playback.drained(), longestEndMs, "The end of a sentence").catch(() => undefined);
  }

  /** Has the agent say no more than its sentence. Resolves with whether it was saying one, and has more to say. */
  async endSentence(): Promise<boolean> {
    return (await this.#queue.running?.endSentence()) ?? false;
  }

  /** Knows another state from here on, in the place of the one before. It must be waiting to be opened. */
  restore({ messages, turns, handle }: DialogueState): void {
    this.#conversation.clear();
    this.#conversation.append(messages);
    this.#guarded?.knows(messages);
    this.#turns = turns;
    if (this.#responder.hears) this.#responder.connection.handle = handle;
  }

  /** Goes on with what waits. */
  goOn(): void {
    this.#queue.goOn();
  }

  /** Uses the sound of the call: participants are heard from here on, and the agent speaks. */
  useSound(audio: ConnectionAudio): void {
    const { role, agent } = this.#options;
    const { ttsTextTransforms, pronunciations } = agent;
    const text = {
      ...(ttsTextTransforms ? { transforms: ttsTextTransforms } : {}),
      ...(pronunciations ? { pronunciations } : {}),
    };
    this.#playback = new Playback(this.#context, { audio, tts: () => role.tts, text });
    this.#hearing = this.#hear(audio);
  }

  #hear(audio: ConnectionAudio): Hearing | null {
    const { agent, onChange, onWords } = this.#options;
    const turns = { audio, queue: this.#queue, listen: () => this.#turn(null), onChange, onWords };
    const responder = this.#responder;
    if (responder.hears) return new RealtimeHearing(this.#context, { ...turns, responder });
    if (agent.stt === undefined) return null;
    return new RecognisedHearing(this.#context, {
      ...turns,
      stt: agent.stt,
      bargeIn: agent.bargeIn,
      unheard: (participantId, error) => this.#unheard.add(participantId, error),
      heardAgain: (participantId) => this.#unheard.heardAgain(participantId),
    });
  }

  #makeResponder(agent: FilledAgentOptions): PipelineResponder | RealtimeResponder {
    const { role } = this.#options;
    const handoffs = {
      checkHandoff: (handoff: Handoff) => this.#checkHandoff(handoff),
      onHandoff: (handoff: Handoff) => role.become(handoff.role, "tool"),
    };
    if (!isRealtime(agent.llm)) {
      return new PipelineResponder(this.#context, {
        role: answeringRole(role, this.#tasks),
        tasks: this.#tasks,
        ...handoffs,
        isSilent: (text) => this.#playback?.isSilent(text) ?? false,
      });
    }
    return new RealtimeResponder(this.#context, {
      ...handoffs,
      // All roles of an agent with a speech-to-speech model have one.
      model: () => role.llm as RealtimeModel,
      instructions: () => role.instructions,
      tools: () => role.tools,
      history: () => this.#conversation.messages,
      handle: this.#options.before?.handle ?? null,
      onUnasked: (answer) => this.#unasked(answer),
      onUnreachable: (error) => this.#unheard.addAll(this.#hearing?.participants ?? [], error),
      onReached: () => this.#unheard.allHeardAgain(),
    });
  }

  /** Takes in that the agent has another role, or other instructions. A text model is told of them with each request. */
  roleChanged(): void {
    if (this.#responder.hears) this.#responder.roleChanged();
  }

  /**
   * Answers the turns that wait, since the agent has joined. The code that follows the join has the first word, such as a
   * greeting, where it speaks at once.
   */
  open(): void {
    this.#joined = true;
    this.#typed.clear();
    process.nextTick(() => this.#queue.open());
  }

  /**
   * Takes what a participant has typed. It cuts short what the agent is saying, but for what its own code has it say in a call of
   * text, such as a greeting: that is written in a moment, and would stand there cut.
   */
  take(message: TextMessage): void {
    if (!this.#joined) {
      if (this.#typed.has(message.messageId)) return;
      this.#typed.add(message.messageId);
    }
    const { running } = this.#queue;
    const interrupt = this.#playback !== null || running?.input?.origin === "participant";
    this.#queue.add(this.#turn({ origin: "participant", ...message }), "participant", interrupt);
  }

  /** Asks the model for an answer to an instruction, once the running turn is over. */
  respond(instruction: string): Turn {
    const turn = this.#turn({ origin: "response", instruction });
    this.#add(turn, "agent", false);
    return turn;
  }

  /** Asks the model the same for an instruction that no code would give again: the next agent of the call takes it up. */
  owe(instruction: string): Turn {
    const messages: readonly Message[] = [{ role: "instruction", text: instruction }];
    const turn = this.#turn({ origin: "response", instruction: null, messages });
    this.#add(turn, "agent", false);
    return turn;
  }

  /** @param owed True where no code would say it again: the next agent of the call takes it up. */
  say(text: string, { interrupt = false, interruptible = true }: SayOptions, owed = false): Turn {
    const turn = this.#turn({ origin: "say", text, owed }, interruptible);
    this.#add(turn, interrupt ? "next" : "agent", interrupt);
    return turn;
  }

  /** Cuts short what the agent is saying. Returns the turn that was cut; null where there is none. */
  interrupt(): Turn | null {
    const { running } = this.#queue;
    running?.interrupt();
    return running;
  }

  /** Takes an answer that the model gives by itself. */
  #unasked(answer: Answer): void {
    const turn = this.#turn({ origin: "response", instruction: null });
    turn.adopt(answer);
    this.#add(turn, "agent", false);
  }

  #add(turn: Turn, rank: TurnRank, interrupt: boolean): void {
    this.#queue.add(turn, rank, interrupt);
    if (this.#joined) this.#queue.open();
  }

  participantLeft(participantId: string): void {
    this.#unheard.left(participantId);
    this.#hearing?.participantLeft(participantId);
  }

  /**
   * Ends every turn, and takes no other.
   * @param moved True where another agent goes on with the turns that wait.
   */
  end(moved: boolean): void {
    this.#queue.close(moved);
    this.#hearing?.stop();
  }

  /** Frees what hears and what speaks. */
  async close(): Promise<void> {
    const heard = this.#hearing?.close();
    this.#playback?.close();
    await heard;
    if (this.#responder.hears) await this.#responder.connection.close();
  }

  #turn(input: TurnInput | null, interruptible = true): Turn {
    const responder = this.#responder;
    const parts: TurnParts = {
      responder: this.#guarded ?? responder,
      conversation: this.#conversation,
      openOutput: (kind, events) => this.#openOutput(kind, events),
      onStep: this.#options.onStep,
      ...(responder.hears && this.#speaksItself ? { say: (text: string) => responder.say(text) } : {}),
    };
    return new Turn(this.#context, parts, `turn_${++this.#turns}`, input, interruptible);
  }

  /** Returns whether the model's is the only voice: without one of its own the agent has the model say its texts. */
  get #speaksItself(): boolean {
    return this.#responder.hears && this.#playback !== null && this.#options.role.tts === undefined;
  }

  #openOutput(kind: OutputKind, events: OutputEvents): Output {
    const output = kind === "sound" ? this.#playback?.openSound(events) : this.#playback?.openText(events);
    return output ?? new TextOutput(events.heard);
  }

  #apologise(text: string): void {
    this.#queue.add(this.#turn({ origin: "say", text }), "next", false);
  }

  #turnOver(turn: Turn, outcome: TurnOutcome): void {
    const { input } = turn;
    const { agent, onAnswered, onExhausted } = this.#options;
    const { exhausted } = this.#options.budget;
    if (exhausted !== null) {
      onExhausted(exhausted);
      return;
    }
    if (input?.origin === "participant") {
      onAnswered();
      this.#handoffs = 0;
    }
    if (turn.handoff !== null) this.#handedOff(turn, turn.handoff, outcome);
    if (outcome !== "failed" || input?.origin === "say" || agent.apology === null) return;
    this.#apologise(agent.apology);
  }

  /** Throws where a tool names a role that there is not, or the one that the agent has, or where roles hand over to one another without end. */
  #checkHandoff({ role }: Handoff): void {
    this.#options.role.requireRole(role);
    if (role === this.#options.role.name)
      throw new ToolError(
        `You are ${role === null ? "the one who began" : `"${role}"`} already: go on with the conversation yourself.`,
      );
    const { maxToolRounds } = this.#context.limits;
    if (this.#queue.running?.input?.origin === "participant" || this.#handoffs < maxToolRounds) return;
    throw new ToolError(
      "The conversation was handed over too often since the participant last said something. Answer in words.",
    );
  }

  /** Has the next role go on, unless a participant has cut the turn short and says something else. */
  #handedOff(before: Turn, { history, respond }: Handoff, outcome: TurnOutcome): void {
    this.#handoffs += 1;
    const messages = history === "none" ? questionOf(before.input) : [];
    if (history === "none") this.#conversation.clear();
    // In a call that is handed over to another agent, that agent has the next role answer.
    if (!respond || (outcome !== "done" && !this.#queue.resting)) {
      this.#conversation.append(messages);
      return;
    }
    const turn = this.#turn({ origin: "response", instruction: null, messages });
    turn.clock.goesOnFrom(before.clock);
    this.#queue.add(turn, "next", false);
  }
}
