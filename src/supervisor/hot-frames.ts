import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { within } from "../deadline.ts";

/** Where a thread spends its time. A blocked thread can be asked too: the profiler interrupts it. */
export interface HotFrame {
  readonly function: string;
  /** `file:line`, lines counted from 1. */
  readonly location: string;
  /** Share of the samples, 0 to 1. */
  readonly share: number;
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly hitCount?: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
}

const profileMs = 200;
/** Starting a profile of a spinning thread takes about 25 ms, of one in a native call as long as the call. */
const deadlineMs = 500;
const mostFrames = 5;

/** The functions that the thread is in most, or none where it cannot be asked in time. */
export async function hotFrames(thread: Worker): Promise<HotFrame[]> {
  try {
    return await within(profile(thread), profileMs + deadlineMs, "The CPU profile of a blocked thread");
  } catch {
    return [];
  }
}

async function profile(thread: Worker): Promise<HotFrame[]> {
  const handle = await thread.startCpuProfile();
  await sleep(profileMs);
  const { nodes } = JSON.parse(String(await handle.stop())) as CpuProfile;
  const samples = nodes.reduce((sum, node) => sum + (node.hitCount ?? 0), 0);
  return nodes
    .filter((node) => (node.hitCount ?? 0) > 0)
    .sort((a, b) => (b.hitCount ?? 0) - (a.hitCount ?? 0))
    .slice(0, mostFrames)
    .map(({ hitCount, callFrame }) => ({
      function: callFrame.functionName === "" ? "(anonymous)" : callFrame.functionName,
      location: callFrame.url === "" ? "(native)" : `${callFrame.url}:${callFrame.lineNumber + 1}`,
      share: Math.round(((hitCount ?? 0) / samples) * 100) / 100,
    }));
}
