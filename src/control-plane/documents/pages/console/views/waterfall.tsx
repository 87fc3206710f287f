import type { Turn } from "../data/session.ts";
import { msText, timeText } from "../data/words.ts";
import { type Stage, type StageName, stagesOf, stageTexts, totalMs } from "./stages.ts";

/** Shows the turns, the newest first, each as a bar of its stages; all to one scale. */
export function Waterfall({ turns }: { turns: readonly Turn[] }) {
  if (turns.length === 0) return <p class="hint empty">No turn is over yet.</p>;
  const rows = turns.map((turn) => ({ turn, stages: stagesOf(turn) })).reverse();
  const longest = Math.max(1, ...rows.map(({ stages }) => totalMs(stages)));
  const used = new Set(rows.flatMap(({ stages }) => stages.map(({ name }) => name)));
  return (
    <>
      <ul class="legend" aria-hidden="true">
        {(Object.keys(stageTexts) as StageName[])
          .filter((name) => used.has(name))
          .map((name) => (
            <li key={name}>
              <i class={`swatch stage-${name}`} />
              {stageTexts[name]}
            </li>
          ))}
      </ul>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls is to be reached by keyboard */}
      <ol class="turns" tabIndex={0} aria-label="Turns, the newest first">
        {rows.map(({ turn, stages }) => (
          <TurnItem key={turn.turn_id} turn={turn} stages={stages} longest={longest} />
        ))}
      </ol>
    </>
  );
}

function TurnItem({ turn, stages, longest }: { turn: Turn; stages: readonly Stage[]; longest: number }) {
  const total = totalMs(stages);
  return (
    <li>
      <div class="turn-head">
        <span>
          {timeText(turn.at)} <Outcome turn={turn} />
        </span>
        <strong>
          {msText(total)} <span class="soft">{turn.latency ? "to the first sound" : "in all"}</span>
        </strong>
      </div>
      <Bar stages={stages} longest={longest} />
      <span class="unseen">
        {stages.map(({ name, ms }) => `${stageTexts[name]} ${msText(ms)}`).join(", ")}
      </span>
      {turn.error && <p class="bad">{turn.error.message ?? turn.error.code}</p>}
    </li>
  );
}

function Outcome({ turn: { outcome, origin, eager, tool_calls: tools } }: { turn: Turn }) {
  const notes = [
    origin === "participant" ? null : "the agent's own turn",
    eager ? "eager" : null,
    tools > 0 ? `${tools} tool ${tools === 1 ? "call" : "calls"}` : null,
  ].filter(Boolean);
  return (
    <>
      <span class={`outcome outcome-${outcome}`}>{outcome}</span>
      {notes.length > 0 && <span class="soft"> · {notes.join(", ")}</span>}
    </>
  );
}

function Bar({ stages, longest }: { stages: readonly Stage[]; longest: number }) {
  let from = 0;
  return (
    <svg class="bar" viewBox={`0 0 ${longest} 10`} preserveAspectRatio="none" aria-hidden="true">
      {stages.map(({ name, ms }) => {
        const x = from;
        from += ms;
        return (
          <rect key={name} class={`stage-${name}`} x={x} y={0} width={ms} height={10}>
            <title>{`${stageTexts[name]}: ${msText(ms)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
