import { within } from "../deadline.ts";
import { plainError } from "../errors.ts";
import type { AgentEvent, Measurement, TextMessage, TurnOutcome } from "../protocol.ts";
import { Attendance } from "./attendance.ts";
import { type BargeInOptions, defaultBargeIn } from "./barge-in.ts";
import { Budget, type BudgetOptions, defaultBudget } from "./budget.ts";
import { Conversation } from "./conversation.ts";
import type { AgentUser, Call, ConnectionAudio, ConnectionEvent, Edge } from "./edge.ts";
import { type AgentHandle, type AgentHost, attach, noHost, type Stage } from "./host.ts";
import { type AgentLimits, fillLimits } from "./limits.ts";
import type { LLM } from "./llm.ts";
import type { Output, OutputEvents } from "./output.ts";
import { Presence } from "./presence.ts";
import { Readiness } from "./readiness.ts";
import type { STT } from "./stt.ts";
import { TextOutput } from "./text-output.ts";
import type { TTS } from "./tts.ts";
import { Turn, type TurnInput, type TurnSetting } from "./turn.ts";
import { TurnQueue } from "./turn-queue.ts";
import { Voice } from "./voice.ts";

export type { AgentUser } from "./edge.ts";

export interface AgentOptions {
  /** Where the call happens. */
  readonly edge: Edge;
  /** Who the agent is in the call. */
  readonly agentUser: AgentUser;
  /** The standing instructions of the model. */
  readonly instructions: string;
  readonly llm: LLM;
  /** Hears participants who speak, where the edge carries sound. */
  readonly stt?: STT;
  /** Voices the agent, where the edge carries sound. */
  readonly tts?: TTS;
  /** What the agent says after a turn that failed; null: nothing. Default: that it is sorry, in English. */
  readonly apology?: string | null;
  readonly limits?: Partial<AgentLimits>;
  /** When words of a participant stop the agent that speaks. */
  readonly bargeIn?: Partial<BargeInOptions>;
  /** What the session may consume; beyond it `finish()` resolves when the turn is over. Default: no limits. */
  readonly budget?: Partial<BudgetOptions>;
  /** Functions that the model may call, by name. Default: all that are registered. */
  readonly allowedTools?: readonly string[];
}

export interface SayOptions {
  /** Cuts short what the agent is saying. Default false: it waits for its turn. */
  readonly interrupt?: boolean;
  /** May participants cut it short? Default true. */
  readonly interruptible?: boolean;
}

const defaultApology = "Sorry, something went wrong on my side. Could you say that again?";

/** One agent in one call. */
export class Agent {
  readonly agentUser: AgentUser;
  readonly instructions: string;
  readonly llm: LLM;
  #options: AgentOptions;
  readonly #limits: AgentLimits;
  readonly #apology: string | null;
  readonly #conversation: Conversation;
  readonly #queue: TurnQueue;
  readonly #attendance: Attendance;
  readonly #presence: Presence;
  readonly #listeners = new Set<(event: AgentEvent) => unknown>();
  readonly #lifetime = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  readonly #bargeIn: BargeInOptions;
  readonly #budget: Budget;
  #host: AgentHost = noHost;
  /** The one that a stage stands in for. */
  #ownEdge: Edge | null = null;
  #voice: Voice | null = null;
  #turns = 0;
  #closing: Promise<void> | null = null;

  constructor(options: AgentOptions) {
    for (const name of ["edge", "agentUser", "llm"] as const) {
      if (typeof options[name] !== "object") throw new TypeError(`new Agent: ${name} is missing`);
    }
    this.#options = options;
    this.agentUser = options.agentUser;
    this.instructions = options.instructions;
    this.llm = options.llm;
    this.#limits = fillLimits(options.limits);
    this.#budget = new Budget({ ...defaultBudget, ...options.budget });
    this.#bargeIn = { ...defaultBargeIn, ...options.bargeIn };
    this.#apology = options.apology === undefined ? defaultApology : options.apology;
    this.#conversation = new Conversation(this.#limits);
    this.#attendance = new Attendance({
      edge: () => this.#options.edge,
      agentUser: options.agentUser,
      limits: this.#limits,
      signal: this.#lifetime.signal,
      host: () => this.#host,
      step: (what, work) => this.#step(what, work),
    });
    this.#presence = new Presence((aloneSince) => this.#host.presence(aloneSince));
    this.#queue = new TurnQueue({
      maxWaiting: this.#limits.maxWaitingTurns,
      onOver: (turn, outcome) => this.#turnOver(turn, outcome),
      onChange: () => this.#updatePresence(),
    });
  }

  /** Makes sure that the call exists, or finds it. */
  createCall(callType: string, callId: string): Promise<Call> {
    return this.#attendance.createCall(callType, callId);
  }

  /**
   * Brings the agent into the call; messages that came before are answered from here on, in order. Disposing of the result
   * leaves the call: `await using _ = await agent.join(call)`. An agent joins one call, once.
   */
  async join(call: Call): Promise<AsyncDisposable> {
    const connection = await this.#attendance.join(call);
    if (connection.audio) this.#voice = this.#openVoice(connection.audio);
    connection.subscribe((event) => this.#happened(event));
    this.#presence.joined();
    this.#host.joined();
    this.#updatePresence();
    this.#queue.open();
    return { [Symbol.asyncDispose]: () => this.#leave() };
  }

  /**
   * Asks the model as if the text were an instruction of the moment, once the running turn is over. Resolves with the
   * outcome of that turn: a session that closes makes it `interrupted`.
   */
  async simpleResponse(instruction: string): Promise<TurnOutcome> {
    this.#requireCall();
    const turn = this.#turn({ origin: "response", instruction });
    this.#queue.add(turn, "agent", false);
    return turn.ended;
  }

  /** Says the text as it is, once the running turn is over. Resolves with the outcome of that turn. */
  async say(
    text: string,
    { interrupt = false, interruptible = true }: SayOptions = {},
  ): Promise<TurnOutcome> {
    this.#requireCall();
    const { maxReplyLength } = this.#limits;
    if (text.length > maxReplyLength) throw new RangeError(`say: at most ${maxReplyLength} characters`);
    const turn = this.#turn({ origin: "say", text }, interruptible);
    this.#queue.add(turn, interrupt ? "next" : "agent", interrupt);
    return turn.ended;
  }

  /** Resolves when the call has ended, the agent has left it, or the session closes. */
  finish(): Promise<void> {
    return this.#finished.promise;
  }

  /** Leaves the call and frees everything: the edge, the model, the voices. Never rejects; what goes wrong is logged. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For how long the agent has been alone in the call, in milliseconds; 0 while somebody is there. */
  idleFor(): number {
    return this.#presence.idleForMs();
  }

  /** For how long the agent is, or was, in the call, in milliseconds. */
  onCallFor(): number {
    return this.#presence.onCallForMs();
  }

  /** Calls `listener` for every event from here on. What it throws is logged. Returns what ends it. */
  subscribe(listener: (event: AgentEvent) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For the session that the agent lives in. */
  [attach](host: AgentHost): AgentHandle {
    if (this.#host !== noHost) throw new Error("createAgent() must make a new agent for each session");
    this.#host = host;
    if (host.stage) {
      this.#ownEdge = this.#options.edge;
      this.#options = staged(this.#options, host.stage);
    }
    const { llm, stt, tts, edge } = this.#options;
    const { signal } = this.#lifetime;
    const readiness = new Readiness({ edge, llm, stt, tts, signal, log: host.log });
    return {
      message: (message) => this.#take(message),
      close: (reason) => this.#end(reason),
      prepare: () => readiness.prepare(),
      report: () => readiness.report(),
    };
  }

  #take(message: TextMessage): void {
    this.#queue.add(this.#turn({ origin: "participant", ...message }), "participant", true);
  }

  #turn(input: TurnInput | null, interruptible = true): Turn {
    const setting: TurnSetting = {
      llm: this.llm,
      allowedTools: this.#options.allowedTools,
      instructions: this.instructions,
      agentId: this.agentUser.id,
      limits: this.#limits,
      conversation: this.#conversation,
      permit: (provider, signal) => this.#host.permit(provider, signal),
      openOutput: (events) => this.#openOutput(events),
      emit: (event) => this.#emit(event),
      measure: (measurement) => this.#measured(measurement),
      log: this.#host.log,
      logTranscripts: this.#host.logTranscripts,
    };
    return new Turn(`turn_${++this.#turns}`, input, setting, interruptible);
  }

  #openVoice(audio: ConnectionAudio): Voice {
    const { stt, tts } = this.#options;
    const { log } = this.#host;
    return new Voice({
      audio,
      stt,
      tts,
      queue: this.#queue,
      bargeIn: this.#bargeIn,
      stalledTurnMs: this.#limits.stalledTurnMs,
      listen: () => this.#turn(null),
      permit: (provider, signal) => this.#host.permit(provider, signal),
      measure: (measurement) => this.#measured(measurement),
      log,
      signal: this.#lifetime.signal,
      onChange: () => this.#updatePresence(),
      deaf: (participantId) =>
        log.error({ participant_id: participantId }, "a participant is not heard any more"),
    });
  }

  #openOutput(events: OutputEvents): Output {
    return this.#voice?.open(events) ?? new TextOutput(events.heard);
  }

  #measured(measurement: Measurement): void {
    this.#budget.add(measurement);
    this.#host.measured(measurement);
  }

  #turnOver({ input }: Turn, outcome: TurnOutcome): void {
    const { exhausted } = this.#budget;
    if (exhausted !== null) {
      this.#host.log.warn({ exhausted }, "the session has used up what it may");
      this.#end(new Error(`The session has used up its ${exhausted}`));
      return;
    }
    if (input?.origin === "participant") this.#presence.seen();
    if (outcome !== "failed" || input?.origin === "say" || this.#apology === null) return;
    this.#queue.add(this.#turn({ origin: "say", text: this.#apology }), "next", false);
  }

  #requireCall(): void {
    if (this.#attendance.outside && !this.#lifetime.signal.aborted) {
      throw new Error("The agent is not in a call: await agent.join(call) first");
    }
  }

  #happened(event: ConnectionEvent): void {
    if (event.type === "participant_left") {
      this.#presence.seen();
      this.#voice?.participantLeft(event.participant.id);
    }
    if (event.type === "ended") this.#end(new Error("The call has ended"));
    this.#updatePresence();
  }

  /** The conversation is over; the agent may still be in the call. */
  #end(reason: Error): void {
    this.#queue.close();
    this.#lifetime.abort(reason);
    this.#voice?.stopListening();
    this.#finished.resolve();
  }

  #leave(): Promise<void> {
    this.#end(new Error("The agent has left the call"));
    this.#presence.left();
    return this.#attendance.leave();
  }

  async #close(): Promise<void> {
    const { edge, llm, stt, tts } = this.#options;
    const leaving = this.#leave();
    const silent = this.#step("close the ears and the mouth", async () => this.#voice?.close());
    await Promise.all([
      leaving.then(() => this.#step("close the edge", () => edge.close())),
      this.#step("close the agent's own edge", async () => this.#ownEdge?.close()),
      this.#step("close the model", () => llm.close()),
      stt && silent.then(() => this.#step("close the recogniser", () => stt.close())),
      tts && silent.then(() => this.#step("close the voice", () => tts.close())),
    ]);
  }

  /** One step of closing: it has its own deadline, and what goes wrong in it stops no other. */
  async #step(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await within(work(), this.#limits.closeStepTimeoutMs, `To ${what}`);
    } catch (error) {
      this.#host.log.warn({ err: plainError(error) }, `could not ${what}`);
    }
  }

  #updatePresence(): void {
    this.#presence.update(this.#queue.busy || this.#voice?.listening || this.#attendance.accompanied);
  }

  #emit(event: AgentEvent): void {
    this.#host.event(event);
    for (const listener of this.#listeners) {
      queueMicrotask(async () => {
        try {
          await listener(event);
        } catch (error) {
          this.#host.log.error({ err: plainError(error) }, "a listener of the agent threw");
        }
      });
    }
  }
}

/** On a stage the agent keeps its own ears and voice, where it has any. */
function staged(options: AgentOptions, { edge, stt, tts }: Stage): AgentOptions {
  return { ...options, edge, stt: options.stt ?? stt(), tts: options.tts ?? tts() };
}
