import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { removeShiftedClock } from "../../test/fixtures/programs/shifted-clock.ts";
import { machineNow } from "../clock.ts";
import { type ProcessUsage, processUsage } from "./process-usage.ts";

const program = join(import.meta.dirname, "replica-program.ts");

export interface LifeOptions {
  readonly nodeId: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The file into which this process writes the log that it reads. */
  readonly keptLogFile: string;
  /** The file to which it appends its log by itself, in place of a reader. */
  readonly ownLogFile: string | null;
}

export interface ProcessExit {
  readonly pid: number;
  /** The time by the clock of the machine, in milliseconds. */
  readonly at: number;
}

/** One process of a replica, from its start to its exit. */
export class Life {
  readonly nodeId: string;
  readonly process: ChildProcess;
  readonly beganAt = machineNow();
  /** Resolves when it has exited; `exitedAt` and `howItEnded` then tell when and how. */
  readonly exit: Promise<void>;
  /** The resources that it held when it had become warm. */
  usageAtRest: ProcessUsage | null = null;
  /** Commands to Redis that failed, as its metrics last said, and when. */
  registryErrors = 0;
  registryLookedAt = this.beganAt;
  /** True once somebody here ended it. */
  isEnding = false;
  exitedAt: number | null = null;
  howItEnded = "";

  readonly #stops: ProcessExit[];

  /** @param stops Where it notes that it is frozen or killed. */
  constructor({ nodeId, environment, keptLogFile, ownLogFile }: LifeOptions, stops: ProcessExit[]) {
    this.#stops = stops;
    this.nodeId = nodeId;
    const log = ownLogFile === null ? "pipe" : openSync(ownLogFile, "a");
    this.process = spawn(process.execPath, [program, "serve", "--no-splash"], {
      env: { ...cleanEnvironment(), ...environment },
      stdio: ["ignore", log, "pipe"],
    });
    if (typeof log === "number") closeSync(log);
    const keep = (text: Buffer) => appendFileSync(keptLogFile, text);
    this.process.stdout?.on("data", keep);
    this.process.stderr?.on("data", keep);
    this.exit = once(this.process, "exit").then(([code, signal]) => {
      this.exitedAt = machineNow();
      this.howItEnded = `code ${code}, signal ${signal}`;
      removeShiftedClock(this.pid);
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  get lives(): boolean {
    return this.exitedAt === null;
  }

  usage(): ProcessUsage {
    return processUsage(this.pid);
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === "SIGSTOP" || signal === "SIGKILL") this.#stops.push({ pid: this.pid, at: machineNow() });
    this.process.kill(signal);
  }

  /** Ends it, and resolves when it is gone. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.isEnding = true;
    this.signal(signal);
    await this.exit;
  }
}

/** Returns the environment of the driver, without what would set options of a server. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(GREENROOM_.*|PORT|NODE_OPTIONS|(HTTPS?|NO)_PROXY)$/i.test(name),
  );
  return { ...Object.fromEntries(kept), GREENROOM_IGNORE_LOAD: "true" };
}
