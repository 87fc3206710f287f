import type { AgentEvent, TurnOutcome } from "../shared/agent-event.ts";
import type { JsonObject } from "../shared/protocol.ts";
import {
  type AgentOptions,
  checkJoinOptions,
  checkSayOptions,
  checkTools,
  type FilledAgentOptions,
  fillAgentOptions,
  type Joined,
  type JoinOptions,
  type SayOptions,
} from "./agent-options.ts";
import { type AgentListener, CallRun } from "./call/call-run.ts";
import type { AgentUser, Call } from "./edge.ts";
import { type AgentHandle, type AgentHost, attach, noHost } from "./host.ts";
import type { LLM } from "./llm.ts";
import type { RealtimeModel } from "./realtime-model.ts";

/** The definition of an agent, which takes part in one call. */
export class Agent {
  readonly agentUser: AgentUser;
  readonly instructions: string;
  readonly llm: LLM | RealtimeModel;
  readonly #options: FilledAgentOptions;
  readonly #listeners = new Set<AgentListener>();
  #attached = false;
  /** The run in the agent's one call, which is made once it is known what session the agent lives in, if in any. */
  #running: CallRun | null = null;

  constructor(options: AgentOptions) {
    this.#options = fillAgentOptions(options);
    this.agentUser = options.agentUser;
    this.instructions = options.instructions;
    this.llm = options.llm;
  }

  /** Makes sure that the call exists, or finds it. */
  createCall(callType: string, callId: string): Promise<Call> {
    return this.#run.createCall(callType, callId);
  }

  /**
   * Brings the agent into the call; messages that came before are answered from here on, in order, after what the agent's code
   * has it say at once. In a call with sound it resolves when somebody else is there, or after 10 s. Disposing of the result
   * leaves the call: `await using _ = await agent.join(call)`. An agent joins one call, once.
   */
  async join(call: Call, options: JoinOptions = {}): Promise<Joined> {
    checkJoinOptions(options);
    return this.#run.join(call, options);
  }

  /**
   * Asks the model as if the text were an instruction of the moment, once the running turn is over. Resolves with the
   * outcome of that turn: a session that closes makes it `interrupted`.
   */
  async simpleResponse(instruction: string): Promise<TurnOutcome> {
    return this.#run.respond(instruction);
  }

  /** Says the text as it is, once the running turn is over. Resolves with the outcome of that turn. */
  async say(text: string, options: SayOptions = {}): Promise<TurnOutcome> {
    this.#run.requireCall();
    checkSayOptions(options);
    const { maxReplyLength } = this.#options.limits;
    if (text.length > maxReplyLength) throw new RangeError(`say: at most ${maxReplyLength} characters`);
    return this.#run.say(text, options);
  }

  /**
   * Sends data to all who watch the call, as an event of the application. Rejects where it is no object of JSON or too large
   * (5 KB on Stream), or the edge takes no events or fails.
   */
  async sendEvent(data: JsonObject): Promise<void> {
    await this.#run.sendEvent(data);
  }

  /** Resolves when the call has ended, the agent has left it, or the session closes. */
  finish(): Promise<void> {
    return this.#run.finish();
  }

  /** Leaves the call and frees everything: the edge, the model, the voices. Never rejects; what goes wrong is logged. */
  close(): Promise<void> {
    return this.#run.close();
  }

  /** Returns the time for which the agent has been alone in the call, in milliseconds; 0 while somebody is there. */
  idleFor(): number {
    return this.#running?.idleFor() ?? 0;
  }

  /** Returns the time for which the agent is, or was, in the call, in milliseconds. */
  onCallFor(): number {
    return this.#running?.onCallFor() ?? 0;
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

  /** Attaches the agent to the session that it lives in. Throws where it belongs to a session already, or was used before. */
  [attach](host: AgentHost): AgentHandle {
    if (this.#attached) throw new Error("createAgent() must make a new agent for each session");
    if (this.#running)
      throw new Error("createAgent() must leave it to joinCall() to bring the agent into its call");
    checkTools(this.#options);
    this.#attached = true;
    this.#running = new CallRun(this.#options, host, this.#listeners);
    return this.#running.handle;
  }

  get #run(): CallRun {
    this.#running ??= new CallRun(this.#options, noHost, this.#listeners);
    return this.#running;
  }
}
