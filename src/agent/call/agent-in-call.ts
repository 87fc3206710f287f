import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import type { TurnOutcome } from "../../shared/session/agent-event.ts";
import type { AgentUser, Participant } from "../edge.ts";
import type { Message } from "../model/message.ts";

/** The values of a store of JSON, by their names. Describe your own with a type: TypeScript does not accept an interface here. */
export type AgentValues = Readonly<Record<string, JsonValue | undefined>>;

/** A store of JSON for one call: 64 KiB of it at most. */
export interface AgentData<Values extends AgentValues = AgentValues> {
  /** Returns a copy of a value as it was set; undefined where there is none. */
  get<Name extends keyof Values & string>(name: Name): Values[Name];
  /**
   * Sets a value; undefined removes it. It keeps a copy. Throws a `TypeError` for what is not JSON, and a `RangeError` where the
   * store would be larger than 64 KiB.
   */
  set<Name extends keyof Values & string>(name: Name, value: Values[Name]): void;
}

/** The conversation of one call. */
export interface CallConversation {
  /** A copy of the messages that the model is shown, the oldest first. Those beyond `limits.maxHistoryMessages` are forgotten. */
  readonly messages: readonly Message[];
  /**
   * Adds messages at the end, such as those of an earlier call. In the middle of a turn they stand before it. Where the agent takes up
   * a call, those that were added before it joins are left out, since the conversation is there.
   * @throws a `TypeError` where a model could not be shown one: tool calls are added together with the message of their results
   */
  append(...messages: readonly Message[]): void;
}

/** The options of `agent.say`. */
export interface SayOptions {
  /**
   * Cuts short what the agent is saying.
   * @default false: it waits for its turn
   */
  readonly interrupt?: boolean;
  /**
   * Lets participants cut these words short.
   * @default true
   */
  readonly interruptible?: boolean;
}

/** An agent in its call, as its functions see it. `Values`: those of its `data`. */
export interface AgentInCall<Values extends AgentValues = AgentValues> {
  readonly agentUser: AgentUser;
  /**
   * A small store of the agent's own code, such as the name of the caller, which begins with the agent's option `data`. Its values are
   * there again where another thread takes up the call, once the agent has joined.
   */
  readonly data: AgentData<Values>;
  /** The conversation of the call: it can be read, and begun with what is known already. */
  readonly conversation: CallConversation;
  /** The name of the role that the agent has, one of its `roles`; null: that of its own options. */
  readonly role: string | null;
  /**
   * Takes on another role of the agent's `roles`, or with null that of its own options: for the model from its next request on, also
   * in the middle of an answer, and for the voice from the next turn on. A speech-to-speech model takes it on with its next answer, or
   * where its session cannot change, with another session between two turns.
   * @throws a `RangeError` where there is no such role
   */
  become(role: string | null): void;
  /**
   * Follows other standing instructions, from the next request to the model on, until the agent changes its role. They are kept with
   * the conversation where another thread takes up the call.
   * @throws a `RangeError` for more than 65,536 characters
   */
  instruct(instructions: string): void;
  /**
   * Asks the model as if the text were an instruction of the moment, once the running turn is over. Resolves with the
   * outcome of that turn: a session that closes makes it `interrupted`.
   */
  simpleResponse(instruction: string): Promise<TurnOutcome>;
  /** Says the text as it is, once the running turn is over. Resolves with the outcome of that turn. */
  say(text: string, options?: SayOptions): Promise<TurnOutcome>;
  /**
   * Cuts short what the agent is saying, as a participant's words would, also where these could not. Returns whether it was saying
   * anything.
   */
  interrupt(): boolean;
  /**
   * Sends data to all who watch the call, as an event of the application. Rejects where it is no object of JSON or too large
   * (5 KB on Stream), or the edge takes no events or fails.
   */
  sendEvent(data: JsonObject): Promise<void>;
  /** Leaves the call and frees everything: the edge, the model, the voices. Never rejects; what goes wrong is logged. */
  close(): Promise<void>;
}

/** The facts of a session that its functions may need. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly callType: string;
  readonly callId: string;
  /** The `config` of the request that started the session, which nobody has checked. */
  readonly config: JsonObject;
}

/** The context of a function that the model calls. `Values`: those of the agent's `data`. */
export interface ToolContext<Values extends AgentValues = AgentValues> {
  readonly agent: AgentInCall<Values>;
  /** The session that the agent lives in; null where it lives in none, as in a test of one's own. */
  readonly session: SessionFacts | null;
  /** The participants of the call besides the agent, by their ids. Participants who only type to a session are not in it. */
  readonly participants: ReadonlyMap<string, Participant>;
}
