import { liveStates } from "../../../../../shared/protocol.ts";
import type { Fleet, FleetPoint } from "../../../../fleet/fleet-schemas.ts";
import { access } from "./api.ts";
import { EventFeed, type FeedState } from "./event-feed.ts";
import { Store } from "./store.ts";
import { isAway } from "./visibility.ts";

/** The most points that are kept: five minutes and a little. */
const mostPoints = 160;
/** A moment comes each 2 s. */
const silenceMs = 12_000;

export interface FleetData {
  readonly feed: FeedState;
  /** The last moment that came; null before that. */
  readonly fleet: Fleet | null;
  readonly points: readonly FleetPoint[];
}

/** Returns the number of live sessions of all replicas. */
export const liveSessions = ({ replicas }: Fleet): number =>
  replicas.reduce(
    (sum, { sessions }) => sum + liveStates.reduce((all, state) => all + sessions[state], 0),
    0,
  );

const nothing: FleetData = { feed: { name: "connecting" }, fleet: null, points: [] };
export const fleetData = new Store<FleetData>(nothing);

/** Called with each moment that comes, and where there is no stream, as often. */
const onMoment = new Set<() => void>();
let feed: EventFeed | null = null;

/** Calls `listener` whenever the figures of sessions are to be looked at again. Returns a function that ends this. */
export function onEachMoment(listener: () => void): () => void {
  onMoment.add(listener);
  return () => onMoment.delete(listener);
}

/** Opens the stream, in the name of who is signed in. */
export function openFleet(): void {
  feed?.close();
  feed = new EventFeed({
    path: "/fleet/events",
    silenceMs,
    state: (state) => fleetData.patch({ feed: state }),
    event: (_type, data) => {
      take(data as Fleet);
      for (const listener of [...onMoment]) listener();
    },
  });
}

export function retryFleet(): void {
  feed?.tryNow();
}

/** Forgets everything, and asks again with another key, or none. */
export function signIn(key: string | null): void {
  access.set({ key, isAsked: false });
  fleetData.set(nothing);
  openFleet();
}

function take(fleet: Fleet): void {
  const known = fleet.all_points ? [] : fleetData.value.points;
  const news = new Set(fleet.points.map(({ at }) => at));
  const points = [...known.filter(({ at }) => !news.has(at)), ...fleet.points].sort((a, b) =>
    a.at < b.at ? -1 : 1,
  );
  fleetData.patch({ fleet, points: points.slice(-mostPoints) });
}

// Where the figures of the fleet may not be seen, the sessions that may be seen are looked at all the same.
setInterval(() => {
  if (fleetData.value.feed.name === "refused" && !isAway.value)
    for (const listener of [...onMoment]) listener();
}, 3_000);
