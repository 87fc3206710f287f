import type { WireLog } from "../emulator.ts";
import type { Call } from "./call.ts";
import type { CoordinatorSockets } from "./coordinator/coordinator-sockets.ts";
import type { StreamFaults } from "./faults.ts";
import type { StreamRules } from "./rules.ts";
import type { Edge } from "./sfu/edge.ts";

/** The state that the parts of the emulator share. */
export interface World {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly rules: StreamRules;
  readonly faults: StreamFaults;
  readonly log: WireLog;
  readonly calls: Map<string, Call>;
  readonly users: Map<string, User>;
  readonly edges: readonly Edge[];
  readonly coordinatorSockets: CoordinatorSockets;
  /** Stream's own time, in epoch milliseconds. */
  now(): number;
}

export interface User {
  readonly id: string;
  readonly name?: string;
  readonly image?: string;
  readonly role?: string;
  readonly custom?: Readonly<Record<string, unknown>>;
}
