import { writeRunningTools } from "../../shared/session/running-tools.ts";

/** The thread's heartbeat; null in a thread of no server. */
let heartbeat: SharedArrayBuffer | null = null;
/** The tools that run, by call, the last one first: where one of them stands still it is most likely that one. */
let running: readonly { readonly name: string }[] = [];

/** Has the names of tools that run told to the main thread, in the thread's heartbeat. */
export function tellRunningTools(shared: SharedArrayBuffer): void {
  heartbeat = shared;
}

/**
 * Runs a tool, and resolves with its result. Meanwhile the main thread knows its name, which it tells where the thread stands still: a
 * profile names lines of code, and the engine may have compiled a user's function into the one that calls it.
 */
export async function whileToolRuns<T>(name: string, run: () => Promise<T>): Promise<T> {
  const one = { name };
  change([one, ...running]);
  try {
    return await run();
  } finally {
    change(running.filter((other) => other !== one));
  }
}

function change(tools: typeof running): void {
  running = tools;
  if (heartbeat !== null) writeRunningTools(heartbeat, new Set(tools.map(({ name }) => name)));
}
