import { randomUUID } from "node:crypto";
import { systemClock } from "../../audio/clock.ts";
import {
  type JsonObject,
  now,
  type SessionAnswer,
  type SessionQuestion,
  type TakenUp,
  type TextMessage,
} from "../../shared/protocol.ts";
import type { AgentEvent, TurnOutcome } from "../../shared/session/agent-event.ts";
import { isSteerQuestion } from "../../shared/session/steering.ts";
import {
  defaultParticipantWaitMs,
  type FilledAgentOptions,
  type Joined,
  type JoinOptions,
  staged,
} from "../agent-options.ts";
import type { Call, Connection, ConnectionEvent } from "../edge.ts";
import type { AgentHandle, AgentHost } from "../host.ts";
import { Budget } from "../options/budget.ts";
import type { CallData } from "../resume/call-data.ts";
import { type CallState, partLengths, readCallState, writeCallState } from "../resume/call-state.ts";
import { OwnSteps } from "../resume/own-steps.ts";
import { StateKeeper } from "../resume/state-keeper.ts";
import type { CurrentRole } from "../role/current-role.ts";
import { ServicesReady } from "../services-ready.ts";
import { checkTools, remoteToolsets } from "../tools/agent-tools.ts";
import { Dialogue } from "../turns/dialogue.ts";
import type { AgentInCall, SayOptions, ToolContext } from "./agent-in-call.ts";
import { type AgentListener, tellListeners } from "./agent-listeners.ts";
import { AloneTimer } from "./alone-timer.ts";
import type { CallContext } from "./call-context.ts";
import { CallEvents } from "./call-events.ts";
import type { CallHistory } from "./call-history.ts";
import { CallMembership } from "./call-membership.ts";
import { closeServices } from "./close-services.ts";
import { closeStep } from "./close-step.ts";
import { GuestAccess } from "./guest-access.ts";
import { HandOver } from "./hand-over.ts";
import { ParticipantWait } from "./participant-wait.ts";
import { SilenceTimer } from "./silence-timer.ts";
import { Steering } from "./steering.ts";

/** The parts of an agent that its own code has in hand, before the call and in it. */
export interface AgentParts {
  readonly agent: AgentInCall;
  readonly data: CallData;
  readonly conversation: CallHistory;
  readonly role: CurrentRole;
}

/** One run of an agent: everything that lives as long as its call, and is freed with it. */
export class CallRun {
  /** The agent's options, on the stage where there is one. */
  readonly #options: FilledAgentOptions;
  /** The options as they were given. */
  readonly #given: FilledAgentOptions;
  readonly #host: AgentHost;
  readonly #listeners: Iterable<AgentListener>;
  readonly #context: CallContext;
  readonly #membership: CallMembership;
  readonly #guestAccess: GuestAccess;
  readonly #events: CallEvents;
  readonly #aloneTimer: AloneTimer;
  readonly #silence: SilenceTimer;
  readonly #participantWait = new ParticipantWait();
  readonly #role: CurrentRole;
  readonly #dialogue: Dialogue;
  readonly #steering: Steering;
  readonly #lifetime = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  readonly #budget: Budget;
  #steps: OwnSteps;
  readonly #data: CallData;
  /** The state of the call that is taken up; null where it begins. */
  #before: CallState | null;
  /** The words of the agent before that were heard in the turn in which it spoke last. */
  #heard: TakenUp["heard"] | undefined;
  /** True while the agent before goes on with the call. */
  #rests: boolean;
  readonly #state: StateKeeper;
  readonly #handOver: HandOver;
  readonly #ready: ServicesReady;
  /** True once the agent is in its call, and has taken up what another one left. */
  #begun = false;
  #closing: Promise<void> | null = null;

  constructor(
    options: FilledAgentOptions,
    host: AgentHost,
    listeners: Iterable<AgentListener>,
    { agent, data, conversation, role }: AgentParts,
  ) {
    this.#given = options;
    const { resumption } = host;
    this.#before = resumption && readCallState(resumption.state);
    this.#heard = resumption?.heard;
    this.#rests = resumption?.rests ?? false;
    this.#data = data;
    if (this.#before) data.restore(this.#before.data);
    data.onChange = () => this.#keepState();
    this.#steps = new OwnSteps(this.#before?.steps ?? [], () => this.#keepState());
    const state = (): CallState => ({
      ...this.#dialogue.state,
      steps: this.#steps.steps,
      role: this.#role.state,
      data: data.json,
      spent: this.#budget.spent,
      hints: this.#membership.hints,
    });
    this.#state = new StateKeeper(
      () => writeCallState(state()),
      (text) => host.state(text),
      () =>
        host.log.warn(
          { event: "call_state_too_long", characters: partLengths(state()) },
          "What the agent keeps of its call is too long: while it is, no other thread can take up the call",
        ),
    );
    this.#options = host.stage ? staged(options, host.stage) : options;
    this.#host = host;
    this.#listeners = listeners;
    const { agentUser, edge, limits, userSilentAfterMs } = this.#options;
    const budget = new Budget(options.budget, this.#before?.spent);
    this.#budget = budget;
    this.#context = {
      agentUser,
      limits,
      log: host.log,
      logTranscripts: host.logTranscripts,
      clock: systemClock,
      signal: this.#lifetime.signal,
      emit: (event) => this.#emit(event),
      measure: (measurement) => {
        budget.add(measurement);
        host.measured(measurement);
      },
      permit: (provider, signal) => host.permit(provider, signal, limits.permitTimeoutMs),
      toolContext: this.#toolContext(agent),
    };
    const context = this.#context;
    this.#role = role;
    this.#membership = new CallMembership(context, edge, (data) => host.leaveData(data));
    this.#guestAccess = new GuestAccess(context, edge);
    this.#events = new CallEvents(context, {
      broadcast: options,
      provider: edge.provider,
      metrics: () => host.metrics(),
    });
    this.#aloneTimer = new AloneTimer((aloneSince) => host.presence(aloneSince));
    this.#silence = new SilenceTimer(userSilentAfterMs, (silentMs, times) =>
      this.#emit({ type: "user_silent", at: now(), silentMs, times }),
    );
    this.#dialogue = new Dialogue(context, {
      agent: this.#options,
      role,
      budget,
      before: this.#before,
      onStep: () => this.#keepState(),
      onChange: () => this.#changed(),
      onWords: () => this.#silence.broken(),
      onAnswered: () => this.#aloneTimer.seen(),
      onExhausted: (what) => this.#exhausted(what),
    });
    conversation.enter(this.#dialogue.history, { takesUp: this.#before !== null });
    this.#steering = new Steering(this.#dialogue, role);
    const toolsets = remoteToolsets(this.#options);
    this.#ready = new ServicesReady(context, { ...this.#options, toolsets });
    this.#handOver = new HandOver({
      signal: this.#lifetime.signal,
      offered: () => this.#isKept,
      quiet: () => !this.#begun || !this.#dialogue.busy,
      rest: () => {
        this.#dialogue.rest();
        return this.#dialogue.soundLeftMs;
      },
      goOn: () => this.#dialogue.goOn(),
      move: (to) => this.#membership.prepareMove(to),
      endSentence: () => this.#dialogue.endSentence(),
      // Until the agent has taken up what another one left, the state that this one left holds.
      tell: () => !this.#begun || this.#state.final(),
    });
    this.#enterRole(this.#before);
  }

  /** Returns the agent as its session sees it. */
  get handle(): AgentHandle {
    const ready = this.#ready;
    const { edge } = this.#options;
    return {
      message: (message) => this.#take(message),
      answer: (question) => this.#answer(question),
      close: (reason) => this.#end(reason),
      prepare: () => ready.prepare(),
      report: () => ready.report(),
      restoresFailed: this.#restoresFailed,
      receives: edge.accept !== undefined || edge.offer !== undefined,
    };
  }

  createCall(callType: string, callId: string): Promise<Call> {
    return this.#membership.createCall(callType, callId);
  }

  async join(call: Call, options: JoinOptions): Promise<Joined> {
    checkTools(this.#options);
    // The functions of servers are asked for meanwhile.
    const { toolsKnown } = this.#ready;
    const connection = await this.#membership.join(call, this.#before?.hints ?? null, this.#rests);
    if (connection.audio && !this.#rests) this.#dialogue.useSound(connection.audio);
    connection.subscribe((event) => this.#happened(event));
    this.#aloneTimer.joined();
    const defaultMs = connection.audio === null ? null : defaultParticipantWaitMs;
    const { participantWaitTimeoutMs = defaultMs } = options;
    // A participant who types in a terminal is present already, and nobody else comes.
    const isTyped = connection.audio === null && this.#host.stage !== null;
    const waitMs = this.#membership.accompanied || isTyped ? null : participantWaitTimeoutMs;
    this.#host.joined(waitMs);
    this.#changed();
    this.#events.open(connection);
    if (this.#rests) await this.#takeOver(connection);
    const waiting = this.#participantWait.wait(waitMs, this.#lifetime.signal);
    if (this.#before === null) this.#begin();
    const accompanied = this.#membership.accompanied || (await waiting);
    await toolsKnown;
    if (this.#before !== null) this.#takeUp(this.#before);
    // Not before: who types ends the wait, and is greeted before they are answered.
    this.#dialogue.open();
    return {
      accompanied,
      // It is disposed of by an error too, and then the next agent is to find the call as it is. `close` leaves in any case.
      [Symbol.asyncDispose]: async () => (this.#restoresFailed ? undefined : this.#leave()),
    };
  }

  async respond(instruction: string): Promise<TurnOutcome> {
    this.requireCall();
    return this.#steps.run("response", instruction, () => this.#dialogue.respond(instruction).ended);
  }

  async say(text: string, options: SayOptions): Promise<TurnOutcome> {
    this.requireCall();
    return this.#steps.run("say", text, () => this.#dialogue.say(text, options).ended);
  }

  /** Has the agent take on a role, unless its own code did so in the call before it was taken up: the role may be another one since. */
  become(role: string | null): void {
    this.#steps.runNow("become", role ?? "", () => this.#role.become(role, "code"));
  }

  /** Has the agent follow other instructions, unless its own code did so before. */
  instruct(instructions: string): void {
    this.#steps.runNow("instruct", instructions, () => this.#role.instruct(instructions));
  }

  /** Returns whether anything was being said. */
  interrupt(): boolean {
    return this.#dialogue.interrupt() !== null;
  }

  async sendEvent(data: JsonObject): Promise<void> {
    this.requireCall();
    await this.#events.send(data);
  }

  finish(): Promise<void> {
    this.#steps.close();
    return this.#finished.promise;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  idleFor(): number {
    return this.#aloneTimer.idleForMs();
  }

  onCallFor(): number {
    return this.#aloneTimer.onCallForMs();
  }

  /** Waits until the agent before lets go of the call, and knows the call from here on as that one has left it. */
  async #takeOver(connection: Connection): Promise<void> {
    const taken = await this.#handOver.taken;
    if (taken === null) return;
    const before = readCallState(taken.state);
    this.#before = before;
    this.#heard = taken.heard;
    this.#steps = new OwnSteps(before.steps, () => this.#keepState());
    this.#data.restore(before.data);
    this.#enterRole(before);
    this.#budget.restore(before.spent);
    this.#dialogue.restore(before);
    connection.takeUp?.(before.hints);
    if (connection.audio) this.#dialogue.useSound(connection.audio);
    this.#dialogue.holdSound(taken.soundLeftMs ?? 0);
    this.#rests = false;
    for (const message of taken.typed) this.#take(message);
    this.#changed();
  }

  /** Goes on with the call of another agent. It waits for somebody first, so that what it says is heard. */
  #takeUp(before: CallState): void {
    const heard = this.#heard;
    // It may have spoken last in another turn than the one that was cut.
    const text = heard !== undefined && heard.turnId === before.pending?.turnId ? heard.text : "";
    this.#dialogue.takeUp(before, text, this.#options.resumeLine);
    this.#begin();
  }

  #enterRole(before: CallState | null): void {
    const onChange = () => {
      this.#keepState();
      this.#dialogue.roleChanged();
    };
    this.#role.enter(this.#options, { context: this.#context, onChange }, before?.role ?? null);
  }

  async #answer(question: SessionQuestion): Promise<SessionAnswer> {
    const { call } = this.#membership;
    const { signal } = this.#lifetime;
    if (isSteerQuestion(question)) {
      if (call === null || signal.aborted) return { outcome: "not_in_call" };
      return this.#handOver.rests ? { outcome: "moving" } : this.#steering.answer(question);
    }
    if ("guest" in question) return this.#guestAccess.answer(call, question);
    return call === null ? { outcome: "not_in_call" } : this.#handOver.answer(question);
  }

  #toolContext(agent: AgentInCall): ToolContext {
    const membership = () => this.#membership;
    return {
      agent,
      session: this.#host.session,
      get participants() {
        return membership().participants;
      },
    };
  }

  #begin(): void {
    this.#begun = true;
    this.#keepState();
  }

  /** Returns whether the server may keep the state of the call, and the edge could be joined again. */
  get #isKept(): boolean {
    return this.#options.restore.kept && this.#options.edge.rejoins === true;
  }

  get #restoresFailed(): boolean {
    return this.#isKept && this.#options.restore.failed;
  }

  /** Has the server keep the state of the call. */
  #keepState(): void {
    // Until the agent has taken up what another one left, the state that this one left holds.
    if (this.#begun && this.#isKept) this.#state.step();
  }

  #take(message: TextMessage): void {
    // The agent before may take it. If it does not, it comes again with the call.
    if (this.#rests) return;
    this.#participantWait.typed();
    this.#silence.typed(message.participantId);
    this.#dialogue.take(message);
  }

  /** Throws where the agent has not begun to join a call; not once the conversation is over. */
  requireCall(): void {
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
    if (event.type === "message") {
      const { participantId, text } = event;
      this.#take({ messageId: randomUUID(), participantId, text });
    }
    if (event.type === "participant_joined" || event.type === "participant_left") this.#keepState();
    if (event.type === "ended") this.#end(new Error("The call has ended"));
    this.#changed();
  }

  #exhausted(what: string): void {
    this.#context.log.warn(
      { event: "budget_exhausted", exhausted: what },
      "The session has used up its budget",
    );
    this.#end(new Error(`The session has used up its ${what}`));
  }

  /** Ends the conversation; the agent may still be in the call. */
  #end(reason: Error): void {
    this.#silence.close();
    this.#state.close();
    this.#dialogue.end(hasMoved(reason));
    this.#lifetime.abort(reason);
    this.#finished.resolve();
  }

  #leave(): Promise<void> {
    this.#end(new Error("The agent has left the call"));
    this.#aloneTimer.left();
    const told = this.#step("send the last events", () => this.#events.close());
    const moved = hasMoved(this.#lifetime.signal.reason);
    if (!moved) return this.#membership.leave(false).then(() => told);
    // The other agent speaks once the end of the sentence is heard.
    return this.#dialogue
      .soundOver()
      .then(() => this.#membership.leave(true))
      .then(() => told);
  }

  async #close(): Promise<void> {
    const left = this.#leave();
    const silent = this.#step("close transcription and speech synthesis", async () => {
      if (hasMoved(this.#lifetime.signal.reason)) await this.#dialogue.soundOver();
      await this.#dialogue.close();
    });
    await closeServices(this.#context, this.#options, { given: this.#given.edge, left, silent });
  }

  #step(what: string, work: () => Promise<void>): Promise<void> {
    return closeStep(this.#context, what, work);
  }

  /** Takes in that somebody came or went, began to say something or is done. */
  #changed(): void {
    const { busy } = this.#dialogue;
    const { inside, accompanied } = this.#membership;
    this.#aloneTimer.update(busy || accompanied);
    this.#silence.update(inside && !busy && !this.#rests, accompanied);
    this.#handOver.changed();
  }

  #emit(event: AgentEvent): void {
    this.#host.event(event);
    this.#events.happened(event);
    tellListeners(this.#listeners, event, this.#host.log);
  }
}

/** Returns whether a conversation ended since another agent is in the call, and goes on with it. */
const hasMoved = (reason: unknown): boolean =>
  reason instanceof Error && "moved" in reason && reason.moved === true;
