import type { Session } from "../../supervisor/session/session.ts";
import { paintFor } from "../terminal/paint.ts";
import type { Screen } from "../terminal/screen.ts";
import type { ConsoleCaller } from "./caller.ts";
import type { ConsoleConversation } from "./console-conversation.ts";

/** The line that explains how to talk. */
export const help =
  "Type to talk, also while the agent speaks. /metrics shows figures; /quit or Ctrl-D ends the call.";

/**
 * The time that an agent which has joined may take to begin a greeting, before the first line of a pipe, in milliseconds.
 */
const greetingWaitMs = 1_000;

/** A caller who types at a terminal, or through a pipe. */
export class TypingCaller implements ConsoleCaller {
  readonly printout: Screen;
  readonly request = {};
  readonly failure = null;

  constructor(screen: Screen) {
    this.printout = screen;
  }

  get interactive(): boolean {
    return this.printout.interactive;
  }

  /** Talks until there are no more lines. In a pipe each line waits until the one before it is answered. */
  async talk(conversation: ConsoleConversation, session: Session): Promise<void> {
    const screen = this.printout;
    const { dim } = paintFor(process.stdout);
    if (!this.interactive) await conversation.greeting(greetingWaitMs);
    for (let line = await screen.nextLine(); line !== null; line = await screen.nextLine()) {
      const text = line.trim();
      if (text === "/quit") return;
      if (text === "/metrics") for (const row of metricsTable(session)) screen.line(dim(row));
      else if (text.startsWith("/")) screen.line(dim(help));
      else if (text !== "") {
        const answered = conversation.say(text);
        if (!this.interactive) await answered;
      }
    }
  }

  close(): void {
    this.printout.close();
  }
}

const MiB = 2 ** 20;

/** Returns the metrics of a session as lines of a table. */
function metricsTable(session: Session): string[] {
  const { resources } = session;
  const rows: [string, number | null][] = [
    ...Object.entries(session.metrics.snapshot()),
    ["cpu_ms", resources?.cpuMs ?? null],
    ["heap_mib", resources && resources.heapBytes / MiB],
    ["external_mib", resources && resources.externalBytes / MiB],
    ["event_loop_utilization", resources?.eventLoopUtilization ?? null],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value).padStart(9)}`);
}

const shown = (value: number | null): string => {
  if (value === null) return "–";
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
};
