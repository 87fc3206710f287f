import { endReasonNames } from "../../../../../shared/end-reasons.ts";
import type { FleetPoint } from "../../../../fleet/fleet-schemas.ts";
import { countText, msText, percentText } from "../data/words.ts";
import { Plot, type Series } from "./plot.tsx";

/** The points of one bar, 10 s together: starts and ends are rare. */
const pointsPerBar = 5;

/** Shows the last five minutes of all replicas together. */
export function Charts({ points }: { points: readonly FleetPoint[] }) {
  const times = points.map(({ at }) => Date.parse(at) / 1_000);
  const bars = barsOf(points);
  const barTimes = bars.map(({ at }) => at);
  const line = (
    name: string,
    colour: string,
    values: Series["values"],
    kind: Series["kind"] = "line",
  ): Series => ({
    name,
    colour,
    kind,
    values,
  });
  return (
    <div class="charts">
      <Plot
        id="latency-title"
        title="Response latency"
        times={times}
        least={500}
        text={msText}
        series={[
          line(
            "p95",
            "--c-red",
            points.map((point) => point.response_p95_ms),
          ),
          line(
            "p50",
            "--c-green",
            points.map((point) => point.response_p50_ms),
          ),
          line(
            "model p95",
            "--c-violet",
            points.map((point) => point.first_token_p95_ms),
            "thin",
          ),
          line(
            "model p50",
            "--c-blue",
            points.map((point) => point.first_token_p50_ms),
            "thin",
          ),
        ]}
      />
      <Plot
        id="load-sessions-title"
        title="Live sessions"
        times={times}
        least={4}
        text={wholeText}
        series={[
          line(
            "sessions",
            "--c-green",
            points.map(({ sessions }) => sessions),
          ),
          line(
            "slots",
            "--c-blue",
            points.map(({ capacity }) => capacity),
            "thin",
          ),
        ]}
      />
      <Plot
        id="starts-title"
        title="Starts in 10 s"
        times={barTimes}
        least={4}
        text={wholeText}
        series={stacked([
          { name: "started", colour: "--c-green", values: bars.map(({ started }) => started) },
          { name: "refused", colour: "--c-red", values: bars.map(({ refused }) => refused) },
        ])}
      />
      <Plot
        id="ends-title"
        title="Ends by reason in 10 s"
        times={barTimes}
        least={4}
        text={wholeText}
        series={stacked(endSeries(bars))}
      />
      <Plot
        id="cpu-title"
        title="Load"
        times={times}
        least={0.5}
        text={coresText}
        rightText={(share) => (share === null ? "–" : percentText(share))}
        series={[
          line(
            "CPU cores",
            "--c-violet",
            points.map((point) => point.cpu_cores),
          ),
          {
            ...line(
              "memory",
              "--c-amber",
              points.map((point) => point.memory_ratio),
            ),
            isRight: true,
          },
        ]}
      />
      <Plot
        id="lag-title"
        title="Main loop, longest delay"
        times={times}
        least={50}
        text={msText}
        series={[
          line(
            "delay",
            "--c-blue",
            points.map((point) => point.loop_lag_ms),
          ),
        ]}
      />
    </div>
  );
}

const wholeText = (value: number | null): string =>
  value === null ? "–" : Number.isInteger(value) ? countText(value) : "";
const coresText = (value: number | null): string =>
  value === null ? "–" : value.toFixed(value < 10 ? 1 : 0);

interface Bar {
  /** Epoch seconds. */
  readonly at: number;
  readonly started: number;
  readonly refused: number;
  readonly ended: ReadonlyMap<string, number>;
}

/** Adds points up in whole intervals of 10 s, so that a bar does not change once it is over. */
function barsOf(points: readonly FleetPoint[]): Bar[] {
  const seconds = pointsPerBar * 2;
  const groups = Map.groupBy(points, ({ at }) => Math.ceil(Date.parse(at) / 1_000 / seconds) * seconds);
  return [...groups].map(([at, inBar]) => {
    const ended = new Map<string, number>();
    for (const point of inBar) {
      for (const [reason, count = 0] of Object.entries(point.ended))
        ended.set(reason, (ended.get(reason) ?? 0) + count);
    }
    const sum = (name: "started" | "refused") => inBar.reduce((total, point) => total + point[name], 0);
    return { at, started: sum("started"), refused: sum("refused"), ended };
  });
}

type Stackable = Pick<Series, "name" | "colour" | "values">;

const colours = ["--c-green", "--c-blue", "--c-violet", "--c-amber", "--c-red"] as const;

/** Returns a series for each reason that occurred, in the order of the table; the colours of the frequent ones are always the same. */
function endSeries(bars: readonly Bar[]): Stackable[] {
  const there = endReasonNames.filter((reason) => bars.some(({ ended }) => ended.has(reason)));
  const shown = there.length === 0 ? (["finished", "closed"] as const) : there;
  return shown.map((name) => ({
    name,
    colour: colours[Math.min(endReasonNames.indexOf(name), colours.length - 1)] ?? "--c-red",
    values: bars.map(({ ended }) => ended.get(name) ?? 0),
  }));
}

/** Bars that stand on each other: each is drawn as high as all up to it, the highest first. */
function stacked(series: readonly Stackable[]): Series[] {
  const sums: number[] = [];
  const all = series.map(({ values, ...one }): Series => {
    const drawn = values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return sums[index] ?? 0;
    });
    return { ...one, kind: "bar", values, drawn };
  });
  return all.reverse();
}
