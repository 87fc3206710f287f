import { type EndReason, endReasons } from "../../../../../shared/end-reasons.ts";
import type { Fleet, FleetPoint } from "../../../../fleet/fleet-schemas.ts";
import { liveSessions } from "../data/fleet.ts";
import { countText, msText, percentText } from "../data/words.ts";

/** Shows the figures that are looked at first. */
export function Tiles({ fleet, points }: { fleet: Fleet; points: readonly FleetPoint[] }) {
  const last = points.at(-1);
  const sessions = liveSessions(fleet);
  const capacity = fleet.replicas.reduce((sum, replica) => sum + replica.capacity, 0);
  const started = points.reduce((sum, point) => sum + point.started, 0);
  const refused = points.reduce((sum, point) => sum + point.refused, 0);
  const faults = points.reduce((sum, { ended }) => sum + faultsIn(ended), 0);
  const ready = fleet.replicas.filter(({ refusal }) => refusal === null).length;
  return (
    <dl class="tiles" aria-label="At a glance">
      <Tile name="Sessions" value={countText(sessions)} more={`of ${countText(capacity)} slots`} />
      <Tile
        name="Ready"
        value={`${ready} of ${fleet.replicas.length + fleet.missing.length}`}
        more={ready === 0 ? "no replica takes a start" : "replicas take starts"}
        isBad={ready < fleet.replicas.length + fleet.missing.length}
      />
      <Tile
        name="Response p95"
        value={msText(last?.response_p95_ms)}
        more={
          last?.response_p95_ms == null ? "nobody spoke lately" : `median ${msText(last.response_p50_ms)}`
        }
      />
      <Tile
        name="First text p95"
        value={msText(last?.first_token_p95_ms)}
        more={
          last?.first_token_p95_ms == null
            ? "no model answered lately"
            : `of models, median ${msText(last.first_token_p50_ms)}`
        }
      />
      <Tile name="Starts" value={countText(started)} more="in 5 minutes" />
      <Tile name="Refused" value={countText(refused)} more="starts in 5 minutes" isBad={refused > 0} />
      <Tile name="Faults" value={countText(faults)} more="sessions in 5 minutes" isBad={faults > 0} />
      <Tile
        name="CPU"
        value={(last?.cpu_cores ?? 0).toFixed(2)}
        more={`cores; memory ${percentText(last?.memory_ratio ?? 0)}`}
      />
    </dl>
  );
}

function Tile({
  name,
  value,
  more,
  isBad = false,
}: {
  name: string;
  value: string;
  more: string;
  isBad?: boolean;
}) {
  return (
    <div class={isBad ? "tile bad" : "tile"}>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span>{more}</span>
      </dd>
    </div>
  );
}

const faultsIn = (ended: FleetPoint["ended"]): number =>
  Object.entries(ended).reduce((sum, [reason, count = 0]) => sum + (isFault(reason) ? count : 0), 0);

const isFault = (reason: string): boolean => reason in endReasons && endReasons[reason as EndReason].isFault;
