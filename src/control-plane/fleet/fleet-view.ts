import type { ServerLog } from "../../log/log.ts";
import type { FigurePoint } from "../../metrics/recent/recent-figures.ts";
import { mostPoints, pointIntervalMs } from "../../metrics/recent/recent-figures.ts";
import { now } from "../../shared/protocol.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { Peers } from "../peers/peers.ts";
import { survey, unexpected } from "../peers/survey.ts";
import { type Fleet, type Replica, type ReplicaFigures, replicaFigures } from "./fleet-schemas.ts";
import { afterLast, mergedPoints } from "./merged-points.ts";
import { ownFigures } from "./replica-figures.ts";

/** The longest time that a peer which gave a sign of life may take to answer, in milliseconds. */
const answerTimeoutMs = 2_000;
/** The time after the end of an interval at which replicas are asked for it: their clocks differ a little. */
const settleMs = 500;
/** The last points are sent again each time, since a replica may have told its part late. */
const repeatedPoints = 3;

/** The fleet at one moment, as it is sent: each text is made once, whoever many read it. */
export interface FleetMoment {
  /** Everything that is kept. */
  readonly whole: string;
  /** The replicas, and the points that are new or may have changed. */
  readonly news: string;
}

/** The parts of the control plane that are needed to ask the fleet. */
interface FleetParts {
  readonly supervisor: Supervisor;
  readonly peers: Peers;
  readonly log: ServerLog;
}

interface Told {
  readonly now: Replica;
  readonly points: readonly FigurePoint[];
}

/**
 * The figures of all replicas. They are asked once every 2 s while somebody watches, for all who watch, and never
 * else. Of each, five minutes are kept.
 */
export class FleetView {
  readonly #plane: FleetParts;
  readonly #told = new Map<string, Told>();
  readonly #watchers = new Set<(moment: FleetMoment) => void>();
  #missing: readonly string[] = [];
  #refreshing: Promise<FleetMoment> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The path under which the API is mounted. */
  #mount = "";

  constructor(plane: FleetParts) {
    this.#plane = plane;
  }

  /** Resolves with the fleet as it is now. Those who ask at the same time share one asking. */
  now(mount: string): Promise<FleetMoment> {
    this.#mount = mount;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Calls `watcher` each 2 s with the fleet. Returns a function that ends this. */
  watch(watcher: (moment: FleetMoment) => void): () => void {
    this.#watchers.add(watcher);
    this.#timer ??= this.#nextTick();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #nextTick(): NodeJS.Timeout {
    const passedMs = (now() - settleMs) % pointIntervalMs;
    return setTimeout(async () => {
      const moment = await this.now(this.#mount);
      for (const watcher of [...this.#watchers]) watcher(moment);
      // Everybody may have left meanwhile, and somebody come.
      clearTimeout(this.#timer);
      this.#timer = this.#watchers.size > 0 ? this.#nextTick() : undefined;
    }, pointIntervalMs - passedMs).unref();
  }

  async #refresh(): Promise<FleetMoment> {
    const { supervisor } = this.#plane;
    const { nodeId } = supervisor.node;
    const { answers, missing } = await survey(this.#plane, {
      kind: "surveyed",
      answerTimeoutMs,
      caller: { ip: "", host: null },
      signal: supervisor.sessionsEnded,
      requestTo: (peer) => ({
        method: "GET",
        target: `${this.#mount}/fleet?after=${this.#lastPointOf(peer.nodeId)}`,
        mount: this.#mount,
        headers: [],
      }),
      read: (status, body, peer) => {
        const { success, data } = replicaFigures.safeParse(body);
        if (status !== 200 || !success) throw unexpected(status);
        return { nodeId: peer.nodeId, figures: data };
      },
    });
    this.#missing = missing;
    const own = { nodeId, figures: ownFigures(supervisor, this.#lastPointOf(nodeId)) };
    const heard = [own, ...answers];
    for (const { nodeId: of, figures } of heard) this.#take(of, figures);
    this.#forget();
    return this.#moment(heard.map(({ figures }) => figures.now));
  }

  #lastPointOf(nodeId: string): number {
    return this.#told.get(nodeId)?.points.at(-1)?.at ?? 0;
  }

  #take(nodeId: string, { now: state, points }: ReplicaFigures): void {
    const before = this.#told.get(nodeId)?.points ?? [];
    const last = before.at(-1)?.at ?? 0;
    const added = points.filter(({ at }) => at > last);
    this.#told.set(nodeId, {
      now: { ...state, node_id: nodeId },
      points: [...before, ...added] as FigurePoint[],
    });
  }

  /** Drops points that are too old, and replicas of which none are left. */
  #forget(): void {
    const oldest = afterLast(mostPoints, now());
    for (const [nodeId, { now: state, points }] of this.#told) {
      const kept = points.filter(({ at }) => at > oldest);
      if (kept.length > 0) this.#told.set(nodeId, { now: state, points: kept });
      else this.#told.delete(nodeId);
    }
  }

  #moment(replicas: readonly Replica[]): FleetMoment {
    const at = now();
    const ofReplicas = [...this.#told.values()].map(({ points }) => points);
    const missing = this.#missing;
    const answeredBy = this.#plane.supervisor.node.nodeId;
    const text = (all: boolean, after: number): string =>
      JSON.stringify({
        at: new Date(at).toISOString(),
        answered_by: answeredBy,
        replicas: replicas.toSorted((a, b) => (a.node_id < b.node_id ? -1 : 1)),
        missing: [...missing],
        all_points: all,
        points: mergedPoints(ofReplicas, after),
      } satisfies Fleet);
    return lazily({ whole: () => text(true, 0), news: () => text(false, afterLast(repeatedPoints, at)) });
  }
}

/** Returns an object whose texts are made when they are first read. */
function lazily(makers: { readonly [Name in keyof FleetMoment]: () => string }): FleetMoment {
  let whole: string | undefined;
  let news: string | undefined;
  return {
    get whole() {
      whole ??= makers.whole();
      return whole;
    },
    get news() {
      news ??= makers.news();
      return news;
    },
  };
}
