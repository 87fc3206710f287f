import { readdirSync, readFileSync } from "node:fs";

/** The resources that a process holds, as the kernel tells them. */
export interface ProcessUsage {
  readonly residentMiB: number;
  readonly threads: number;
  readonly descriptors: number;
}

/** Returns the resources of a process. Throws where the process is gone. */
export function processUsage(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    residentMiB: Math.round(number("VmRSS") / 1_024),
    threads: number("Threads"),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}
