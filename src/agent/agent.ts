import type { AgentEvent, TurnOutcome } from "../shared/agent-event.ts";
import { within } from "../shared/deadline.ts";
import { plainError } from "../shared/errors.ts";
import { type JsonObject, type Measurement, now, type TextMessage } from "../shared/protocol.ts";
import {
  type AgentOptions,
  checkJoinOptions,
  checkSayOptions,
  checkTools,
  defaultParticipantWaitMs,
  type FilledAgentOptions,
  fillAgentOptions,
  type Joined,
  type JoinOptions,
  type SayOptions,
  staged,
} from "./agent-options.ts";
import { AloneTimer } from "./call/alone-timer.ts";
import { CallEvents } from "./call/call-events.ts";
import { CallMembership } from "./call/call-membership.ts";
import { GuestAccess } from "./call/guest-access.ts";
import { ParticipantWait } from "./call/participant-wait.ts";
import { SilenceTimer } from "./call/silence-timer.ts";
import type { AgentUser, Call, ConnectionEvent, Edge } from "./edge.ts";
import { type AgentHandle, type AgentHost, attach, noHost } from "./host.ts";
import type { LLM } from "./llm.ts";
import { ServicesReady } from "./services-ready.ts";
import { Dialogue } from "./turns/dialogue.ts";

/** One agent in one call. */
export class Agent {
  readonly agentUser: AgentUser;
  readonly instructions: string;
  readonly llm: LLM;
  #options: FilledAgentOptions;
  readonly #membership: CallMembership;
  readonly #aloneTimer: AloneTimer;
  readonly #dialogue: Dialogue;
  readonly #silence: SilenceTimer;
  readonly #participantWait = new ParticipantWait();
  readonly #events: CallEvents;
  readonly #guestAccess: GuestAccess;
  readonly #listeners = new Set<(event: AgentEvent) => unknown>();
  readonly #lifetime = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  #host: AgentHost = noHost;
  /** The one that a stage stands in for. */
  #ownEdge: Edge | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: AgentOptions) {
    const filled = fillAgentOptions(options);
    this.#options = filled;
    this.agentUser = options.agentUser;
    this.instructions = options.instructions;
    this.llm = options.llm;
    const { signal } = this.#lifetime;
    this.#membership = new CallMembership({
      edge: () => this.#options.edge,
      agentUser: options.agentUser,
      limits: filled.limits,
      signal,
      host: () => this.#host,
      step: (what, work) => this.#step(what, work),
    });
    this.#guestAccess = new GuestAccess({
      agentUser: options.agentUser,
      edge: () => this.#options.edge,
      call: () => this.#membership.call,
      signal,
    });
    this.#events = new CallEvents({
      broadcast: filled,
      host: () => this.#host,
      provider: () => this.#options.edge.provider,
      signal,
    });
    this.#aloneTimer = new AloneTimer((aloneSince) => this.#host.presence(aloneSince));
    this.#silence = new SilenceTimer(filled.userSilentAfterMs, (silentMs, times) =>
      this.#emit({ type: "user_silent", at: now(), silentMs, times }),
    );
    this.#dialogue = new Dialogue({
      agent: filled,
      signal,
      host: () => this.#host,
      emit: (event) => this.#emit(event),
      onChange: () => this.#changed(),
      onWords: () => this.#silence.broken(),
      onAnswered: () => this.#aloneTimer.seen(),
      onExhausted: (what) => this.#exhausted(what),
    });
  }

  /** Makes sure that the call exists, or finds it. */
  createCall(callType: string, callId: string): Promise<Call> {
    return this.#membership.createCall(callType, callId);
  }

  /**
   * Brings the agent into the call; messages that came before are answered from here on, in order, after what the agent's code
   * has it say at once. In a call with sound it resolves when somebody else is there, or after 10 s. Disposing of the result
   * leaves the call: `await using _ = await agent.join(call)`. An agent joins one call, once.
   */
  async join(call: Call, options: JoinOptions = {}): Promise<Joined> {
    checkJoinOptions(options);
    checkTools(this.#options);
    const connection = await this.#membership.join(call);
    if (connection.audio) this.#dialogue.useSound(connection.audio, this.#options);
    connection.subscribe((event) => this.#happened(event));
    this.#aloneTimer.joined();
    const defaultMs = connection.audio === null ? null : defaultParticipantWaitMs;
    const { participantWaitTimeoutMs = defaultMs } = options;
    const waitMs = this.#membership.accompanied ? null : participantWaitTimeoutMs;
    this.#host.joined(waitMs);
    this.#changed();
    this.#events.open(connection);
    const waiting = this.#participantWait.wait(waitMs, this.#lifetime.signal);
    this.#dialogue.open();
    return {
      accompanied: this.#membership.accompanied || (await waiting),
      [Symbol.asyncDispose]: () => this.#leave(),
    };
  }

  /**
   * Asks the model as if the text were an instruction of the moment, once the running turn is over. Resolves with the
   * outcome of that turn: a session that closes makes it `interrupted`.
   */
  async simpleResponse(instruction: string): Promise<TurnOutcome> {
    this.#requireCall();
    return this.#dialogue.respond(instruction);
  }

  /** Says the text as it is, once the running turn is over. Resolves with the outcome of that turn. */
  async say(text: string, options: SayOptions = {}): Promise<TurnOutcome> {
    this.#requireCall();
    checkSayOptions(options);
    const { maxReplyLength } = this.#options.limits;
    if (text.length > maxReplyLength) throw new RangeError(`say: at most ${maxReplyLength} characters`);
    return this.#dialogue.say(text, options);
  }

  /**
   * Sends data to all who watch the call, as an event of the application. Rejects where it is no object of JSON or too large
   * (5 KB on Stream), or the edge takes no events or fails.
   */
  async sendEvent(data: JsonObject): Promise<void> {
    this.#requireCall();
    await this.#events.send(data);
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

  /** Returns the time for which the agent has been alone in the call, in milliseconds; 0 while somebody is there. */
  idleFor(): number {
    return this.#aloneTimer.idleForMs();
  }

  /** Returns the time for which the agent is, or was, in the call, in milliseconds. */
  onCallFor(): number {
    return this.#aloneTimer.onCallForMs();
  }

  /**
   * Calls `listener` for every event from here on. What it throws is logged. Returns what ends it. Somebody who says nothing
   * is asked, and the agent leaves the third time:
   *
   * ```ts
   * agent.subscribe(async (event) => {
   *   if (event.type !== "user_silent") return;
   *   if (event.times < 3) await agent.say("Are you still there?");
   *   else await agent.close();
   * });
   * ```
   */
  subscribe(listener: (event: AgentEvent) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Attaches the agent to the session that it lives in. Throws where it belongs to a session already. */
  [attach](host: AgentHost): AgentHandle {
    if (this.#host !== noHost) throw new Error("createAgent() must make a new agent for each session");
    checkTools(this.#options);
    this.#host = host;
    if (host.stage) {
      this.#ownEdge = this.#options.edge;
      this.#options = staged(this.#options, host.stage);
    }
    const { llm, stt, tts, edge } = this.#options;
    const { signal } = this.#lifetime;
    const { log } = host;
    const measure = (measurement: Measurement) => host.measured(measurement);
    const readiness = new ServicesReady({ edge, llm, stt, tts, signal, log, measure });
    return {
      message: (message) => this.#take(message),
      answer: (question) => this.#guestAccess.answer(question),
      close: (reason) => this.#end(reason),
      prepare: () => readiness.prepare(),
      report: () => readiness.report(),
    };
  }

  #take(message: TextMessage): void {
    this.#participantWait.typed();
    this.#silence.typed(message.participantId);
    this.#dialogue.take(message);
  }

  #requireCall(): void {
    if (this.#membership.outside && !this.#lifetime.signal.aborted) {
      throw new Error("The agent is not in a call: await agent.join(call) first");
    }
  }

  #happened(event: ConnectionEvent): void {
    if (event.type === "participant_left") {
      this.#aloneTimer.seen();
      this.#silence.left(event.participant.id);
      this.#dialogue.participantLeft(event.participant.id);
    }
    if (event.type === "participant_joined") this.#participantWait.came();
    if (event.type === "ended") this.#end(new Error("The call has ended"));
    this.#changed();
  }

  #exhausted(what: string): void {
    this.#host.log.warn({ exhausted: what }, "the session has used up what it may");
    this.#end(new Error(`The session has used up its ${what}`));
  }

  /** The conversation is over; the agent may still be in the call. */
  #end(reason: Error): void {
    this.#silence.close();
    this.#dialogue.end();
    this.#lifetime.abort(reason);
    this.#finished.resolve();
  }

  #leave(): Promise<void> {
    this.#end(new Error("The agent has left the call"));
    this.#aloneTimer.left();
    const told = this.#step("send the last events", () => this.#events.close());
    return this.#membership.leave().then(() => told);
  }

  async #close(): Promise<void> {
    const { edge, llm, stt, tts } = this.#options;
    const leaving = this.#leave();
    const silent = this.#step("close transcription and speech synthesis", () => this.#dialogue.close());
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
      const { closeStepTimeoutMs } = this.#options.limits;
      await within(work(), closeStepTimeoutMs, `To ${what}`, undefined, "limits.closeStepTimeoutMs");
    } catch (error) {
      this.#host.log.warn({ err: plainError(error) }, `could not ${what}`);
    }
  }

  /** Takes in that somebody came or went, began to say something or is done. */
  #changed(): void {
    const { busy } = this.#dialogue;
    const { inside, accompanied } = this.#membership;
    this.#aloneTimer.update(busy || accompanied);
    this.#silence.update(inside && !busy, accompanied);
  }

  #emit(event: AgentEvent): void {
    this.#host.event(event);
    this.#events.happened(event);
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
