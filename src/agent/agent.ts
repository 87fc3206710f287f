import type { JsonObject } from "../shared/protocol.ts";
import type { AgentEvent, TurnOutcome } from "../shared/session/agent-event.ts";
import {
  type AgentOptions,
  checkJoinOptions,
  checkSayOptions,
  type FilledAgentOptions,
  fillAgentOptions,
  type Joined,
  type JoinOptions,
} from "./agent-options.ts";
import type { AgentInCall, SayOptions } from "./call/agent-in-call.ts";
import type { AgentListener } from "./call/agent-listeners.ts";
import { CallHistory } from "./call/call-history.ts";
import { type AgentParts, CallRun } from "./call/call-run.ts";
import type { AgentUser, Call } from "./edge.ts";
import { type AgentHandle, type AgentHost, attach, noHost } from "./host.ts";
import type { LLM } from "./llm.ts";
import type { RealtimeModel } from "./realtime-model.ts";
import { CallData } from "./resume/call-data.ts";
import { CurrentRole } from "./role/current-role.ts";
import { checkTools } from "./tools/agent-tools.ts";

/** The most characters of instructions that are given in a call: they are kept with its conversation. */
const mostInstructions = 64 * 1_024;

/** The inside of an `Agent`: the definition of an agent, which takes part in one call. */
export class AgentShell implements AgentInCall {
  readonly agentUser: AgentUser;
  readonly llm: LLM | RealtimeModel;
  readonly data: CallData;
  readonly conversation = new CallHistory();
  readonly #options: FilledAgentOptions;
  readonly #role: CurrentRole;
  readonly #listeners = new Set<AgentListener>();
  #attached = false;
  /** The run in the agent's one call, which is made once it is known what session the agent lives in, if in any. */
  #running: CallRun | null = null;

  constructor(options: AgentOptions) {
    this.#options = fillAgentOptions(options);
    this.data = new CallData(options.data);
    this.#role = new CurrentRole(this.#options);
    this.agentUser = options.agentUser;
    this.llm = options.llm;
  }

  get instructions(): string {
    return this.#role.instructions;
  }

  get role(): string | null {
    return this.#role.name;
  }

  become(role: string | null): void {
    if (this.#running === null) this.#role.become(role, "code");
    else this.#running.become(role);
  }

  instruct(instructions: string): void {
    if (typeof instructions !== "string")
      throw new TypeError("agent.instruct: the instructions must be a text");
    if (instructions.length > mostInstructions)
      throw new RangeError(`agent.instruct: at most ${mostInstructions} characters of instructions`);
    if (this.#running === null) this.#role.instruct(instructions);
    else this.#running.instruct(instructions);
  }

  interrupt(): boolean {
    return this.#running?.interrupt() ?? false;
  }

  createCall(callType: string, callId: string): Promise<Call> {
    return this.#run.createCall(callType, callId);
  }

  async join(call: Call, options: JoinOptions = {}): Promise<Joined> {
    checkJoinOptions(options);
    return this.#run.join(call, options);
  }

  async simpleResponse(instruction: string): Promise<TurnOutcome> {
    return this.#run.respond(instruction);
  }

  async say(text: string, options: SayOptions = {}): Promise<TurnOutcome> {
    this.#run.requireCall();
    checkSayOptions(options);
    const { maxReplyLength } = this.#options.limits;
    if (text.length > maxReplyLength) throw new RangeError(`say: at most ${maxReplyLength} characters`);
    return this.#run.say(text, options);
  }

  async sendEvent(data: JsonObject): Promise<void> {
    await this.#run.sendEvent(data);
  }

  finish(): Promise<void> {
    return this.#run.finish();
  }

  close(): Promise<void> {
    return this.#run.close();
  }

  idleFor(): number {
    return this.#running?.idleFor() ?? 0;
  }

  onCallFor(): number {
    return this.#running?.onCallFor() ?? 0;
  }

  subscribe(listener: (event: AgentEvent) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get #parts(): AgentParts {
    return { agent: this, data: this.data, conversation: this.conversation, role: this.#role };
  }

  /** Attaches the agent to the session that it lives in. Throws where it belongs to a session already, or was used before. */
  [attach](host: AgentHost): AgentHandle {
    if (this.#attached) throw new Error("createAgent() must make a new agent for each session");
    if (this.#running)
      throw new Error("createAgent() must leave it to joinCall() to bring the agent into its call");
    checkTools(this.#options);
    this.#attached = true;
    this.#running = new CallRun(this.#options, host, this.#listeners, this.#parts);
    return this.#running.handle;
  }

  get #run(): CallRun {
    this.#running ??= new CallRun(this.#options, noHost, this.#listeners, this.#parts);
    return this.#running;
  }
}

/** Returns whether a value is an agent, of whatever copy of the package. */
export const isAgent = (value: unknown): value is AgentShell =>
  typeof value === "object" && value !== null && attach in value;

/** Attaches an agent to the session that it lives in. Throws where it belongs to a session already, or was used before. */
export function attachAgent(agent: object, host: AgentHost): AgentHandle {
  if (isAgent(agent)) return agent[attach](host);
  throw new TypeError("createAgent() must return an Agent");
}
