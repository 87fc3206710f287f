import inspector from "node:inspector";
import { Pulse } from "../../shared/protocol.ts";
import type { Slot } from "../threads/slot.ts";
import { type HotFrame, hotFrames, whereText } from "./hot-frames.ts";

export interface WatchdogOptions {
  readonly slots: Iterable<Slot>;
  /** The longest time that a loop may stand still before it is judged `unresponsive`, in milliseconds. */
  readonly unresponsiveAfterMs: number;
  /**
   * The longest time that it may stand still while `createAgent` runs, or modules are loaded, in milliseconds.
   */
  readonly createTimeoutMs: number;
  /** Called with the frames in which a hung thread was found, and the tools that ran in it, before it is ended. */
  readonly found: (
    slot: Slot,
    blockedMs: number,
    frames: readonly HotFrame[],
    tools: readonly string[],
  ) => void;
}

interface LastBeat {
  beat: number;
  /** The time at which the beat was last seen to change. */
  at: number;
  judged: boolean;
}

/** Finds threads whose event loop stands still, by the heartbeat that each leaves in shared memory. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #pulses = new WeakMap<Slot, LastBeat>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lastRound = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#intervalMs = Math.max(50, Math.min(250, options.unresponsiveAfterMs / 4));
  }

  start(): void {
    this.#lastRound = performance.now();
    this.#timer = setInterval(() => this.#round(), this.#intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    const at = performance.now();
    // The clocks of a monitor that was late itself are stale: the process was stopped or starved, and the threads with it.
    const late = at - this.#lastRound > this.#options.unresponsiveAfterMs / 2;
    this.#lastRound = at;
    // A thread that a debugger has stopped at a breakpoint is not judged.
    const pardon = late || inspector.url() !== undefined;
    for (const slot of this.#options.slots) {
      if (slot.state === "starting" || slot.state === "gone") continue;
      const beat = Atomics.load(slot.heartbeat, Pulse.beat);
      const pulse = this.#pulses.get(slot);
      if (!pulse) this.#pulses.set(slot, { beat, at, judged: false });
      else if (pulse.beat !== beat || pardon) Object.assign(pulse, { beat, at });
      else if (at - pulse.at > this.#allowedMs(slot) && !pulse.judged) {
        pulse.judged = true;
        void this.#judge(slot, at - pulse.at);
      }
    }
  }

  #allowedMs(slot: Slot): number {
    const { unresponsiveAfterMs, createTimeoutMs } = this.#options;
    return loads(slot) ? Math.max(unresponsiveAfterMs, createTimeoutMs) : unresponsiveAfterMs;
  }

  async #judge(slot: Slot, blockedMs: number): Promise<void> {
    const option = loads(slot) ? "createTimeoutMs" : "unresponsiveAfterMs";
    const frames = slot.thread ? await hotFrames(slot.thread) : [];
    if (slot.state === "gone") return;
    const { tools } = slot;
    this.#options.found(slot, blockedMs, frames, tools);
    const where = `${whereText(frames)}${toolsText(tools)}`;
    const message = `The event loop was blocked for ${Math.round(blockedMs)} ms${where}: ${option} allows no more`;
    const stack = [
      `Error: ${message}`,
      ...frames.map(({ function: name, location }) => `    at ${name} (${location})`),
    ];
    slot.kill({ reason: "unresponsive", message, stack: stack.join("\n") });
  }
}

/** Returns whether the thread is at something that may take long once. */
const loads = ({ creating, loading }: Slot): boolean => creating || loading;

/** Returns the tools that were running, such as ` while the tool get_weather ran`; empty where there were none. */
function toolsText(tools: readonly string[]): string {
  if (tools.length === 0) return "";
  return ` while the ${tools.length === 1 ? "tool" : "tools"} ${tools.join(", ")} ran`;
}
