import { plainError } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import type { ChangedBy } from "../../shared/session/agent-event.ts";
import { didYouMean } from "../../shared/text/similar.ts";
import type { FilledAgentOptions } from "../agent-options.ts";
import type { CallContext } from "../call/call-context.ts";
import type { LLM } from "../llm.ts";
import type { RealtimeModel } from "../realtime-model.ts";
import { membersOf, type Service } from "../service.ts";
import { toolsOf } from "../tools/agent-tools.ts";
import type { RemoteToolset, Tools } from "../tools/tools.ts";
import type { TTS } from "../tts.ts";
import type { AgentRole, RoleChange, RoleState } from "./agent-role.ts";

/** The part of a service of a role that is used here. */
interface Warmable extends Service {
  warm?(signal: AbortSignal): Promise<void>;
}

/** The most changes of role before anything else happens: more than that are functions of roles that have one another called. */
const mostChanges = 16;

/** The call that an agent with roles is in. */
interface RoleCall {
  readonly context: Pick<CallContext, "emit" | "log" | "signal" | "toolContext">;
  /** Takes in that the role or its instructions have changed, so that the state of the call is another one. */
  readonly onChange: () => void;
}

/** The role that the agent has at the moment: that of its own options, or another one of its `roles`. */
export class CurrentRole {
  #options: FilledAgentOptions;
  #call: RoleCall | null = null;
  #name: string | null = null;
  #role: AgentRole = {};
  #instructions: string | null = null;
  /** Functions of servers that are left out, since their names are taken. */
  readonly #namesTaken = new Set<string>();
  /** The changes since the event loop has last come to anything else. */
  #changes = 0;

  constructor(options: FilledAgentOptions) {
    this.#options = options;
  }

  /**
   * Takes in that the agent goes into its call.
   * @param options Those of the agent on its stage.
   * @param before The role of the agent whose call is taken up; null where it begins.
   */
  enter(options: FilledAgentOptions, call: RoleCall, before: RoleState | null): void {
    this.#options = options;
    this.#call = call;
    if (before !== null) this.#restore(before, call);
    else if (this.#name !== null) this.#emit("code");
  }

  /** Returns the name of the role; null for that of the agent's own options. */
  get name(): string | null {
    return this.#name;
  }

  get instructions(): string {
    return this.#instructions ?? this.#role.instructions ?? this.#options.instructions;
  }

  get llm(): LLM | RealtimeModel {
    return this.#role.llm ?? this.#options.llm;
  }

  get tts(): TTS | undefined {
    return this.#role.tts ?? this.#options.tts;
  }

  /** Returns the functions that the model may call; some may be registered in the middle of the call. */
  get tools(): Tools {
    const { llm, tools, allowedTools } = { ...this.#options, ...this.#role };
    const given = { llm, ...(tools && { tools }), ...(allowedTools && { allowedTools }) };
    return toolsOf(given, (set, name) => this.#leftOut(set, name));
  }

  get state(): RoleState {
    return { name: this.#name, instructions: this.#instructions };
  }

  /** Notes, once, that a function of a server is left out. */
  #leftOut({ model }: RemoteToolset, tool: string): void {
    if (this.#namesTaken.has(`${model} ${tool}`)) return;
    this.#namesTaken.add(`${model} ${tool}`);
    this.#call?.context.log.warn(
      { event: "tool_name_taken", server: model, tool },
      "A tool of a server is left out, since another tool has its name: give the server a prefix",
    );
  }

  /** Takes on the role of the agent before. One that this agent does not have is left out. */
  #restore({ name, instructions }: RoleState, { context }: RoleCall): void {
    const { roles } = this.#options;
    this.#instructions = instructions;
    if (name === null || Object.hasOwn(roles, name)) {
      this.#name = name;
      this.#role = name === null ? {} : (roles[name] as AgentRole);
      return;
    }
    context.log.warn(
      { event: "role_unknown", role: name },
      "The agent that takes up a call does not have the role of the one before",
    );
    this.#emit("code");
  }

  /**
   * Takes on a role: for the next request to the model, and with the next turn for the voice. Null is the role of the agent's own
   * options. Throws a `RangeError` where there is no such role.
   */
  become(name: string | null, by: ChangedBy): void {
    this.requireRole(name);
    const { roles } = this.#options;
    const change = { from: this.#name, to: name };
    if (change.from === change.to && this.#instructions === null) return;
    this.#countChange();
    const before = this.#role;
    this.#name = name;
    this.#role = name === null ? {} : (roles[name] as AgentRole);
    this.#instructions = null;
    this.#warm();
    this.#call?.onChange();
    if (change.from === change.to) return;
    this.#emit(by);
    this.#run(before.onExit, change);
    this.#run(this.#role.onEnter, change);
  }

  /** Throws a `RangeError` where there is no such role. */
  requireRole(name: string | null): void {
    const { roles } = this.#options;
    if (name !== null && !Object.hasOwn(roles, name))
      throw new RangeError(`The agent has no role "${name}"${didYouMean(name, Object.keys(roles))}`);
  }

  /** Follows other instructions in the role that it has. */
  instruct(instructions: string): void {
    this.#instructions = instructions;
    this.#call?.onChange();
  }

  /** Throws where roles change one another without end: the thread would come to nothing else. */
  #countChange(): void {
    if (this.#changes === 0)
      setImmediate(() => {
        this.#changes = 0;
      });
    this.#changes += 1;
    if (this.#changes > mostChanges)
      throw new Error(
        `The role has changed ${mostChanges} times in a row: do onEnter and onExit of roles change it?`,
      );
  }

  #emit(by: ChangedBy): void {
    this.#call?.context.emit({ type: "role", at: now(), role: this.#name, by });
  }

  /** Has a role's own services connect, so that its first turn pays no handshake. Where that fails, the turn will say so. */
  #warm(): void {
    if (this.#call === null) return;
    const { signal } = this.#call.context;
    const { llm, tts } = this.#role;
    for (const service of [llm, tts]) {
      const members = service === undefined ? [] : membersOf<Warmable>(service);
      for (const member of members) void member.warm?.(signal).catch(() => undefined);
    }
  }

  /** Runs a function of a role, in the call. */
  #run(hook: AgentRole["onEnter"], change: Omit<RoleChange, "agent">): void {
    const call = this.#call;
    if (hook === undefined || call === null) return;
    queueMicrotask(async () => {
      try {
        await hook({ ...change, agent: call.context.toolContext.agent });
      } catch (error) {
        call.context.log.error(
          { event: "role_hook_failed", ...change, err: plainError(error) },
          "A function of the agent's role threw an error",
        );
      }
    });
  }
}
