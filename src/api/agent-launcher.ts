import { LauncherShell } from "../agent-launcher.ts";
import type { AgentLauncherOptions } from "./launcher-options.ts";
import type { Session } from "./session.ts";
import type { StartRequest } from "./start-request.ts";

/**
 * Puts agents into calls, each in a thread of its own. It is light until it is used for the first time, since an agent's
 * module is loaded in its thread too.
 *
 * ```ts
 * const launcher = new AgentLauncher({ agent: import.meta.url, maxConcurrentSessions: 20 });
 * await launcher.start();
 * const session = await launcher.startSession({ callId: "call-1" });
 * await session.ended;
 * ```
 */
export interface AgentLauncher {
  /** The options as given, for those who add to them before the start. */
  readonly options: AgentLauncherOptions;
  /** Overrides options, which the command line does. Throws INVALID_OPTIONS once the launcher has been used. */
  override(options: Partial<AgentLauncherOptions>): void;
  /**
   * Starts threads and rehearses the agent in one of them. Rejects with INVALID_OPTIONS that names the wrong one, or with
   * the agent's own error where that fails; the launcher then goes on trying, with growing pauses, until it is stopped.
   */
  start(): Promise<void>;
  /** Closes every session as `drained` and frees everything. */
  stop(): Promise<void>;
  /** Resolves once `createAgent` has returned. Rejects with a `GreenroomError` whose `code` says why not. */
  startSession(request: StartRequest): Promise<Session>;
  /**
   * Asks a session to close. Resolves with false where there is no such live session.
   * @param options.by Who asks for it, which the end of the session tells. Default: nobody.
   * @param options.wait Resolve when it has ended. Default false.
   */
  closeSession(id: string, options?: { by?: string; wait?: boolean }): Promise<boolean>;
  /** Returns a session that is live, or that ended within the last 10 minutes. */
  getSession(id: string): Session | undefined;
  /** Returns the live sessions, oldest first. */
  listSessions(): Session[];
}

export const AgentLauncher: new (options: AgentLauncherOptions) => AgentLauncher = LauncherShell;
