import type { MessagePort } from "node:worker_threads";
import {
  isMcpProgram,
  type McpProgram,
  type McpProgramNote,
  type ToMcpThread,
} from "../../../shared/mcp-thread.ts";
import { loadSdk } from "../sdk.ts";
import { programTransport } from "../transports.ts";
import { HostedProgram, keyOf } from "./hosted-program.ts";

/** The time for which a program is kept that no session uses, in milliseconds: the next call finds it there. */
const keptMs = 60_000;

interface Entry {
  readonly program: HostedProgram;
  running: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Runs the programs of MCP servers for all sessions of the process: those that are shared once. */
export class ProgramHost {
  readonly #entries = new Map<string, Entry>();
  readonly #note: (note: McpProgramNote) => void;
  #closed = false;
  #count = 0;

  /** @param note Told of each process that runs, and that has ended. */
  constructor(note: (note: McpProgramNote) => void) {
    this.#note = note;
  }

  /** Serves a session, whose first message says which program it wants. */
  serve(user: MessagePort): void {
    user.once("message", (message: ToMcpThread | null) => {
      // Anything may come from a session: it costs nobody else anything.
      const isRequest = message?.type === "open" && isMcpProgram(message.program);
      if (isRequest && !this.#closed) void this.#open(user, message.program);
      else user.close();
    });
  }

  /** Ends all programs. */
  async close(): Promise<void> {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { timer } of entries) clearTimeout(timer);
    await Promise.all(entries.map(({ program }) => program.close()));
  }

  async #open(user: MessagePort, wanted: McpProgram): Promise<void> {
    this.#count += 1;
    const key = wanted.shared ? keyOf(wanted) : `of one session: ${this.#count}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      clearTimeout(known.timer);
      known.program.add(user, known.running);
      return;
    }
    const sdk = await loadSdk();
    if (this.#closed) return user.close();
    // Another session may have asked for it meanwhile.
    if (this.#entries.has(key)) return this.#open(user, wanted);
    const program = new HostedProgram(programTransport(wanted, sdk, this.#note));
    const entry: Entry = { program, running: false, timer: undefined };
    this.#entries.set(key, entry);
    program.onEnd = () => this.#forget(key, entry);
    program.onUnused = () => {
      entry.timer = setTimeout(() => void program.close(), wanted.shared ? keptMs : 0);
    };
    program.add(user, false);
    await program.start();
    entry.running = true;
  }

  #forget(key: string, entry: Entry): void {
    clearTimeout(entry.timer);
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
