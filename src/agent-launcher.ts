import type { AgentLauncherOptions } from "./api/launcher-options.ts";
import { GreenroomError } from "./shared/errors.ts";
import type { InMemoryCall, JsonObject, JsonValue } from "./shared/protocol.ts";
import type { Session } from "./supervisor/session/session.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";

export interface StartRequest {
  readonly callId: string;
  /** The type of the call. Default `default`. */
  readonly callType?: string;
  /** Handed to `createAgent` and `joinCall` as it is. Default `{}`. */
  readonly config?: JsonObject;
  /** The user who starts the session, which is kept with it. Default null. */
  readonly createdBy?: JsonValue;
  /**
   * The call takes place in memory, whatever edge the agent has: `dial(session.id)` of `greenroom/testing` reaches it, to
   * play sound into it and to hear what the agent says. An agent without ears or a voice gets the offline stand-ins.
   */
  readonly inMemory?: InMemoryCall;
}

/**
 * Puts agents into calls, each in a thread of its own. This is a light shell, since an agent's module is loaded in its
 * thread too: the server behind it is loaded when the launcher is first used.
 */
export class AgentLauncher {
  #options: AgentLauncherOptions;
  #loading: Promise<Supervisor> | undefined;
  #supervisor: Supervisor | undefined;

  constructor(options: AgentLauncherOptions) {
    this.#options = options;
  }

  /** The options as given, for those who add to them before the start. */
  get options(): AgentLauncherOptions {
    return this.#options;
  }

  /** Overrides options, which the command line does. Throws once the launcher has been used. */
  override(options: Partial<AgentLauncherOptions>): void {
    if (this.#loading)
      throw new GreenroomError("INVALID_OPTIONS", "The launcher's options are in use already");
    this.#options = { ...this.#options, ...options };
  }

  /**
   * Starts threads and rehearses the agent in one of them. Rejects with the agent's own error where that fails; the
   * launcher then goes on trying, with growing pauses, until it is stopped.
   */
  async start(): Promise<void> {
    await (await this.supervisor()).start();
  }

  /** Closes every session as `drained` and frees everything. */
  async stop(): Promise<void> {
    await (await this.supervisor()).stop();
  }

  /** Resolves once `createAgent` has returned. Rejects with a `GreenroomError` whose `code` says why not. */
  async startSession(request: StartRequest): Promise<Session> {
    return (await this.supervisor()).startSession(request);
  }

  /** Asks a session to close. False: there is no such live session. `wait`: resolve when it has ended. */
  async closeSession(id: string, options: { by?: string; wait?: boolean } = {}): Promise<boolean> {
    return (await this.supervisor()).closeSession(id, options);
  }

  /** A session that is live, or that ended within the last 10 minutes. */
  getSession(id: string): Session | undefined {
    return this.#supervisor?.getSession(id);
  }

  /** The live sessions, oldest first. */
  listSessions(): Session[] {
    return this.#supervisor?.listSessions() ?? [];
  }

  /** The server behind the shell. Rejects with INVALID_OPTIONS, naming the wrong one. */
  supervisor(): Promise<Supervisor> {
    this.#loading ??= import("./supervisor/supervisor.ts").then(({ Supervisor }) => {
      this.#supervisor = new Supervisor(this.#options);
      return this.#supervisor;
    });
    return this.#loading;
  }
}
