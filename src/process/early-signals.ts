import { isMainThread } from "node:worker_threads";

/**
 * Remembers signals that ask the process to end while the server is still being loaded, for the runner to take over. As the
 * first process of a container it would lose them for ever: the kernel ignores what such a process has no handler for.
 * Imported first of all, and only of use where the command line is that of `serve`.
 */
export type EndSignal = "SIGTERM" | "SIGINT";

/** The longest time that a signal is kept for the runner, in milliseconds. */
const patienceMs = 15_000;
const codes = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<EndSignal, number>;

const received: EndSignal[] = [];
let patience: NodeJS.Timeout | undefined;
/** The runner has not come in time: this program is not the command line, and a signal ends it as it would without this. */
let alone = false;

if (isMainThread && process.argv[2] === "serve") {
  process.on("SIGTERM", remember);
  process.on("SIGINT", remember);
  patience = setTimeout(waitNoMore, patienceMs).unref();
  // Node would open its debugger, in which whoever reaches the port runs any code. Agents share the process, and their children can send it.
  if (process.platform !== "win32") process.on("SIGUSR1", refuseDebugger);
}

function refuseDebugger(): void {
  process.stderr.write("greenroom: SIGUSR1 opens no debugger here; start node with --inspect\n");
}

/** Returns the signal that has come and is still to be taken over, or undefined. */
export function earlySignal(): EndSignal | undefined {
  return received[0];
}

/**
 * Hands the signals over: from here on the caller handles them, also those that have come so far, which are returned.
 */
export function takeOverSignals(): readonly EndSignal[] {
  clearTimeout(patience);
  process.off("SIGTERM", remember);
  process.off("SIGINT", remember);
  return received.splice(0);
}

function remember(signal: NodeJS.Signals): void {
  received.push(signal as EndSignal);
  if (alone || received.length > 1) end();
}

/**
 * Lets signals end the process from here on, unless others handle them. The handlers stay, since a signal that arrived
 * while the event loop was blocked is delivered only in its next turn.
 */
function waitNoMore(): void {
  alone = true;
  if (received.length > 0) end();
}

/** Ends the process by the signal, unless others have handlers of their own, which decide. */
function end(): void {
  const [first] = received;
  const others = first === undefined || process.listenerCount(first) > 1;
  if (!others) process.exit(codes[first]);
}
