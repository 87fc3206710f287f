import type { AgentLauncherOptions } from "./api/launcher-options.ts";
import type { StartRequest } from "./api/start-request.ts";
import { GreenroomError } from "./shared/errors.ts";
import type { Session } from "./supervisor/session/session.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";

/**
 * The inside of an `AgentLauncher`. The server is loaded when the launcher is first used, since an agent's module,
 * which may make a launcher, is loaded in its thread too.
 */
export class LauncherShell {
  #options: AgentLauncherOptions;
  #loading: Promise<Supervisor> | undefined;
  #supervisor: Supervisor | undefined;

  constructor(options: AgentLauncherOptions) {
    this.#options = options;
  }

  get options(): AgentLauncherOptions {
    return this.#options;
  }

  override(options: Partial<AgentLauncherOptions>): void {
    if (this.#loading)
      throw new GreenroomError("INVALID_OPTIONS", "The launcher's options are in use already");
    this.#options = { ...this.#options, ...options };
  }

  async start(): Promise<void> {
    await (await this.supervisor()).start();
  }

  async stop(): Promise<void> {
    await (await this.supervisor()).stop();
  }

  async startSession(request: StartRequest): Promise<Session> {
    return (await this.supervisor()).startSession(request);
  }

  async closeSession(id: string, options: { by?: string; wait?: boolean } = {}): Promise<boolean> {
    return (await this.supervisor()).closeSession(id, options);
  }

  getSession(id: string): Session | undefined {
    return this.#supervisor?.getSession(id);
  }

  listSessions(): Session[] {
    return this.#supervisor?.listSessions() ?? [];
  }

  /** Resolves with the server behind the shell. Rejects with INVALID_OPTIONS, naming the wrong one. */
  supervisor(): Promise<Supervisor> {
    this.#loading ??= import("./supervisor/supervisor.ts").then(({ Supervisor }) => {
      this.#supervisor = new Supervisor(this.#options);
      return this.#supervisor;
    });
    return this.#loading;
  }
}

/**
 * Resolves with the server behind a launcher, which may be one of another copy of the package. Rejects with
 * INVALID_OPTIONS where its options are wrong, and where it is no launcher.
 */
export async function supervisorOf(launcher: object): Promise<Supervisor> {
  if (isShell(launcher)) return launcher.supervisor();
  throw new GreenroomError("INVALID_OPTIONS", "expected an AgentLauncher");
}

const isShell = (launcher: object): launcher is LauncherShell =>
  "supervisor" in launcher && typeof launcher.supervisor === "function";
