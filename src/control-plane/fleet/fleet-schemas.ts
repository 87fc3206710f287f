import { z } from "zod";
import { loadCauses, slotStates } from "../../metrics/labels.ts";
import { endReasonNames } from "../../shared/end-reasons.ts";
import { liveStates } from "../../shared/protocol.ts";
import { component } from "../documents/components.ts";
import { instant } from "../documents/schemas.ts";

/*
 * The figures of a fleet, as clients read them, and as replicas tell each other.
 */

const count = z.int().min(0);
const ms = (description: string) =>
  z.number().nullable().describe(`${description} In milliseconds; null where there was none.`);

const replicaState = z
  .enum(["idle", "warming", "serving", "announced", "draining", "stopped"])
  .describe("announced: it is about to drain, and still accepts starts.");

/** The present state of a replica. */
export const replica = component(
  "Replica",
  z.object({
    node_id: z.string(),
    version: z.string(),
    state: replicaState,
    refusal: z
      .string()
      .nullable()
      .describe("The code with which a start would be refused there now; null: none."),
    capacity: count.describe("Sessions that may live there at a time."),
    warm_target: count.describe("Threads that are kept warm for sessions to come."),
    slots: z.record(z.enum(slotStates), count).describe("Session threads by state."),
    sessions: z.record(z.enum(liveStates), count).describe("Live sessions by state."),
    load_causes: z
      .array(z.enum(loadCauses))
      .describe("The reasons for which its load guard is up; none while all is well."),
    memory_used_bytes: z.number(),
    memory_limit_bytes: z.number(),
  }),
  "A replica, now.",
);

export const fleetPoint = component(
  "FleetPoint",
  z.object({
    at: instant("The end of an interval of 2 s."),
    sessions: count.describe("Live sessions."),
    capacity: count.describe("Sessions that may live at a time."),
    started: count.describe("Sessions that were given a thread in the interval."),
    refused: count.describe("Starts that were refused or failed in the interval."),
    ended: z
      .partialRecord(z.enum(endReasonNames), count)
      .describe("Sessions that ended in the interval, by reason; reasons without any are left out."),
    responses: count.describe("Spoken answers in the 30 s up to here, of which the percentiles are."),
    response_p50_ms: ms("From a participant's last sound to the first sound of the answer, median."),
    response_p95_ms: ms("The same, 95th percentile."),
    first_token_p50_ms: ms("From a request to a model to its first text, median of the 30 s up to here."),
    first_token_p95_ms: ms("The same, 95th percentile."),
    cpu_cores: z.number().describe("CPU cores that the processes used."),
    memory_ratio: z.number().describe("Memory in use as a share of its limit, of the replica with most."),
    loop_lag_ms: z.number().describe("The most that a timer of a main thread was late, in milliseconds."),
  }),
  "What happened in 2 s in all replicas together. Percentiles are exact to 2.5 %.",
);

export const fleet = component(
  "Fleet",
  z.object({
    at: instant("When the replicas were asked."),
    answered_by: z.string().describe("The node id of the replica that answers."),
    replicas: z.array(replica),
    missing: z
      .array(z.string())
      .describe("The node ids of replicas that did not answer, or cannot be asked."),
    all_points: z
      .boolean()
      .describe(
        "True: the points are all that are kept. False: they are those that are new or may have changed. It says nothing of the replicas.",
      ),
    points: z.array(fleetPoint).describe("The oldest first."),
  }),
  "All replicas: how they are, and what happened in the last five minutes.",
);

const latencyCounts = z.record(z.string().regex(/^\d{1,3}$/), count);

/** The part of one replica, as it tells a peer. */
export const replicaFigures = z.object({
  now: replica,
  points: z
    .array(
      z.object({
        at: z.number(),
        sessions: count,
        capacity: count,
        started: count,
        refused: count,
        ended: z.partialRecord(z.enum(endReasonNames), count),
        responses: latencyCounts,
        firstTokens: latencyCounts,
        cpuCores: z.number(),
        memoryRatio: z.number(),
        loopLagMs: z.number(),
      }),
    )
    .max(1_000),
});

export type Replica = z.output<typeof replica>;
export type FleetPoint = z.output<typeof fleetPoint>;
export type Fleet = z.output<typeof fleet>;
export type ReplicaFigures = z.output<typeof replicaFigures>;
