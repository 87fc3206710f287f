import { getPriority, setPriority } from "node:os";

/** By how much a thread that works in the background is nicer: it gets a third of what another one gets where both want a core. */
const nicer = 5;
const nicest = 19;

/**
 * Has the system run the other threads of the process before this one. To be called in a thread that works for long without a pause, so that
 * those that send sound every 20 ms need not wait for it. Only Linux has priorities of threads; elsewhere nothing changes.
 */
export function workInBackground(): void {
  if (process.platform !== "linux") return;
  try {
    // To Linux 0 means the thread that calls.
    setPriority(0, Math.min(nicest, getPriority(0) + nicer));
  } catch {
    // A thread of higher priority works as well.
  }
}
