import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { within } from "../../shared/deadline.ts";

/** A place where a thread spends its time. A blocked thread can be asked too: the profiler interrupts it. */
export interface HotFrame {
  readonly function: string;
  /** The place as `file:line`, lines counted from 1. */
  readonly location: string;
  /** The share of the samples, 0 to 1. */
  readonly share: number;
}

interface ProfileNode {
  readonly hitCount?: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  /**
   * The lines of the function at which samples were taken; they tell more than the function where calls are inlined.
   */
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

const profileMs = 200;
/**
 * The longest time that a profile may take to start and stop, in milliseconds. Starting one of a spinning thread takes
 * about 25 ms, of one in a native call as long as the call.
 */
const deadlineMs = 2_000;
const mostFrames = 5;

/** Resolves with the functions that the thread is in most, or with none where it cannot be asked in time. */
export async function hotFrames(thread: Worker): Promise<HotFrame[]> {
  try {
    return await within(profile(thread), profileMs + deadlineMs, "The CPU profile of a blocked thread");
  } catch {
    return [];
  }
}

/**
 * Returns the place where a thread was found most, such as ` in load (file:///agent.ts:5)`; empty where there is none.
 */
export function whereText([hottest]: readonly HotFrame[]): string {
  return hottest === undefined ? "" : ` in ${hottest.function} (${hottest.location})`;
}

async function profile(thread: Worker): Promise<HotFrame[]> {
  const handle = await thread.startCpuProfile();
  await sleep(profileMs);
  const { nodes } = JSON.parse(String(await handle.stop())) as { readonly nodes: readonly ProfileNode[] };
  const hit = nodes.filter((node) => (node.hitCount ?? 0) > 0);
  // V8's own states, such as "(program)", say nothing where there is anything else.
  const told = hit.some((node) => !isStateOfV8(node)) ? hit.filter((node) => !isStateOfV8(node)) : hit;
  const samples = told.reduce((sum, { hitCount = 0 }) => sum + hitCount, 0);
  return told
    .sort((a, b) => (b.hitCount ?? 0) - (a.hitCount ?? 0))
    .slice(0, mostFrames)
    .map((node) => ({
      function: node.callFrame.functionName === "" ? "(anonymous)" : node.callFrame.functionName,
      location: locationOf(node),
      share: Math.round(((node.hitCount ?? 0) / samples) * 100) / 100,
    }));
}

const isStateOfV8 = ({ callFrame }: ProfileNode): boolean =>
  callFrame.url === "" && callFrame.functionName.startsWith("(");

function locationOf({ callFrame, positionTicks = [] }: ProfileNode): string {
  if (callFrame.url === "") return "native code";
  const hottest = positionTicks.toSorted((a, b) => b.ticks - a.ticks)[0];
  return `${callFrame.url}:${hottest?.line ?? callFrame.lineNumber + 1}`;
}
