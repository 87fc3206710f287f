import type { Fleet, Replica } from "../../../../fleet/fleet-schemas.ts";
import { bytesText, countText, percentText } from "../data/words.ts";
import { Card } from "./parts.tsx";

const slotNames = ["running", "draining", "warm", "starting", "free"] as const;
type SlotName = (typeof slotNames)[number];

/** The most squares of one replica; where there are more slots, a square stands for several. */
const mostSquares = 160;

/** Shows each replica, with a picture of its slots. */
export function Replicas({ fleet }: { fleet: Fleet }) {
  return (
    <Card title="Slots" id="slots-title" extra={<Legend />} className="replicas">
      <ul class="replica-list">
        {fleet.replicas.map((replica) => (
          <ReplicaItem key={replica.node_id} replica={replica} isOnly={fleet.replicas.length === 1} />
        ))}
        {fleet.missing.map((nodeId) => (
          <li key={nodeId} class="replica">
            <h3>{nodeId}</h3>
            <p class="bad">This replica does not answer. Its sessions are not shown.</p>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-hidden="true">
      {slotNames.map((name) => (
        <li key={name}>
          <i class={`slot slot-${name}`} />
          {name}
        </li>
      ))}
    </ul>
  );
}

function ReplicaItem({ replica, isOnly }: { replica: Replica; isOnly: boolean }) {
  const counts = slotCounts(replica);
  const text = slotNames.map((name) => `${countText(counts[name])} ${name}`).join(", ");
  const { memory_used_bytes: used, memory_limit_bytes: limit } = replica;
  return (
    <li class="replica">
      <h3>
        {isOnly ? "This server" : replica.node_id}
        <StateOf replica={replica} />
      </h3>
      <div class="slots" role="img" aria-label={`Slots: ${text}`}>
        {squaresOf(counts).map((name, index) => (
          <i key={index} class={`slot slot-${name}`} />
        ))}
      </div>
      <p class="hint">
        {text}. Memory {bytesText(used)}
        {limit > 0 && ` of ${bytesText(limit)} (${percentText(used / limit)})`}. Version {replica.version}.
      </p>
    </li>
  );
}

function StateOf({ replica: { state, refusal, load_causes: causes } }: { replica: Replica }) {
  if (state !== "serving") return <span class="pill state-closing">{state}</span>;
  if (refusal === null) return <span class="pill state-live">ready</span>;
  const why = causes.length > 0 ? `${refusal}: ${causes.join(", ")}` : refusal;
  return <span class="pill state-refusal">{why}</span>;
}

function slotCounts({ slots, capacity }: Replica): Record<SlotName, number> {
  const { running, draining, warm, starting } = slots;
  return {
    running,
    draining,
    warm,
    starting,
    free: Math.max(0, capacity - running - draining - warm - starting),
  };
}

/** Returns the squares, by state. Where there are too many, none that has a slot is left out. */
function squaresOf(counts: Record<SlotName, number>): SlotName[] {
  const total = slotNames.reduce((sum, name) => sum + counts[name], 0);
  const perSquare = Math.max(1, total / mostSquares);
  return slotNames.flatMap((name) => Array<SlotName>(Math.ceil(counts[name] / perSquare)).fill(name));
}
