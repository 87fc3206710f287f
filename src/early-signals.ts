import { isMainThread } from "node:worker_threads";

/**
 * Remembers signals that ask the process to end while the server is still being loaded, for the runner to take over. As the
 * first process of a container it would lose them for ever: the kernel ignores what such a process has no handler for.
 * Imported first of all, and only of use where the command line is that of `serve`.
 */
export type EndSignal = "SIGTERM" | "SIGINT";

/** How long the runner may take to come, and a signal is kept for it, in milliseconds. */
const patienceMs = 15_000;
const codes = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<EndSignal, number>;

const received: EndSignal[] = [];
let patience: NodeJS.Timeout | undefined;

if (isMainThread && process.argv[2] === "serve") {
  process.on("SIGTERM", remember);
  process.on("SIGINT", remember);
  // Whoever is not the runner gets back what they would have without this.
  patience = setTimeout(letGo, patienceMs).unref();
}

/** Whether a signal has come; it is still to be taken over. */
export function earlySignal(): EndSignal | undefined {
  return received[0];
}

/** From here on the caller handles signals, also those that have come so far, which are returned. */
export function takeOverSignals(): readonly EndSignal[] {
  clearTimeout(patience);
  process.off("SIGTERM", remember);
  process.off("SIGINT", remember);
  return received.splice(0);
}

function remember(signal: NodeJS.Signals): void {
  received.push(signal as EndSignal);
  if (received.length > 1) end();
}

function letGo(): void {
  if (received.length > 0) end();
  takeOverSignals();
}

/** Where others have handlers of their own, they decide. */
function end(): void {
  const [first] = received;
  const others = first === undefined || process.listenerCount(first) > 1;
  if (!others) process.exit(codes[first]);
}
