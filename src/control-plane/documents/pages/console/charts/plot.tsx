import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The colours of the style sheet, for what is drawn on a canvas. */
const theme = {
  /** Returns a value that changes with the colours. */
  use(): boolean {
    const [isDark, setDark] = useState(dark.matches);
    useEffect(() => {
      const changed = () => setDark(dark.matches);
      dark.addEventListener("change", changed);
      return () => dark.removeEventListener("change", changed);
    }, []);
    return isDark;
  },
  colour: (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim(),
};

/** A line, or bars, of a chart. */
export interface Series {
  readonly name: string;
  /** A variable of the style sheet, which differs between light and dark. */
  readonly colour: string;
  readonly kind: "line" | "thin" | "bar";
  readonly values: readonly (number | null)[];
  /** The values that are drawn, where they are not those that are told: bars that stand on others. */
  readonly drawn?: readonly (number | null)[];
  /** True where the line has the scale of the right side. */
  readonly isRight?: boolean;
}

export interface PlotProps {
  readonly id: string;
  readonly title: string;
  /** Epoch seconds. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  text(value: number | null): string;
  rightText?(value: number | null): string;
  /** The least upper end of the scales, so that noise does not look like much. */
  readonly least: number;
}

const height = 150;
/** The time that a chart shows, and the room at its sides, in seconds. */
const shown = { seconds: 300, room: 6 };

/** Shows one chart: a picture of uPlot's, with a legend that tells the values under the pointer, or the last ones. */
export function Plot({ id, title, times, series, text, rightText, least }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const colours = theme.use();
  const shape = series.map(({ name, kind }) => `${name}/${kind}`).join();
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(
      optionsOf({ width: element.clientWidth || 300, series, least, text, rightText, setPointed }),
      dataOf(times, series),
      element,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth || 300, height }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [shape, colours]);
  useEffect(() => plot.current?.setData(dataOf(times, series)), [times, series]);
  const at = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  const told = series.map((one) => ({
    ...one,
    value: (one.isRight ? (rightText ?? text) : text)(one.values[at] ?? null),
  }));
  return (
    <section class="card chart" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        <span class="soft">
          {pointed === null ? "" : new Date((times[at] ?? 0) * 1_000).toLocaleTimeString("en-GB")}
        </span>
      </div>
      <div
        ref={place}
        class="plot"
        role="img"
        aria-label={`${title}, five minutes. Now: ${told.map(({ name, value }) => `${name} ${value}`).join(", ")}`}
      />
      <ul class="legend" aria-hidden="true">
        {told.map(({ name, colour, value }) => (
          <li key={name}>
            <i class={`swatch colour${colour}`} />
            {name} <b>{value}</b>
          </li>
        ))}
      </ul>
    </section>
  );
}

function dataOf(times: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values, drawn }) => [...(drawn ?? values)])];
}

interface Making extends Pick<PlotProps, "series" | "least" | "text"> {
  readonly width: number;
  readonly rightText: PlotProps["rightText"];
  readonly setPointed: (index: number | null) => void;
}

function optionsOf({ width, series, least, text, rightText, setPointed }: Making): uPlot.Options {
  const colour = theme.colour;
  const range = (_plot: uPlot, _min: number | null, max: number | null): uPlot.Range.MinMax => [
    0,
    Math.max(least, (max ?? 0) * 1.1),
  ];
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const font = "11px system-ui, sans-serif";
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    padding: [8, rightText ? 0 : 8, 0, 0],
    scales: {
      x: { time: true, range: (_plot, _min, max) => [max - shown.seconds - shown.room, max + shown.room] },
      y: { range },
      right: { range: [0, 1] },
    },
    axes: [
      {
        ...axis,
        font,
        size: 26,
        space: 40,
        incrs: [60, 120, 300],
        values: (_plot, splits) => splits.map((at) => clockText(at)),
      },
      {
        ...axis,
        font,
        size: 52,
        space: 36,
        values: (_plot, splits) => splits.map((value) => roundText(text(value))),
      },
      ...(rightText
        ? [
            {
              ...axis,
              font,
              side: 1 as const,
              scale: "right",
              size: 46,
              space: 36,
              grid: { show: false },
              values: (_plot: uPlot, splits: number[]) => splits.map((value) => rightText(value)),
            },
          ]
        : []),
    ],
    series: [
      {},
      ...series.map(({ kind, colour: name, isRight }): uPlot.Series => {
        const line = colour(name);
        const scale = isRight ? "right" : "y";
        if (kind === "bar") {
          const paths = uPlot.paths.bars?.({ size: [0.8, 12] });
          return {
            scale,
            stroke: line,
            fill: line,
            width: 0,
            points: { show: false },
            ...(paths && { paths }),
          };
        }
        const isThin = kind === "thin";
        return {
          scale,
          stroke: line,
          width: isThin ? 1 : 2,
          spanGaps: true,
          points: { show: false },
          ...(isThin && { dash: [4, 3] }),
        };
      }),
    ],
    hooks: { setCursor: [({ cursor: { idx } }) => setPointed(idx ?? null)] },
  };
}

/** Hours and minutes: marks are at whole minutes. */
const clockText = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleTimeString("en-GB").slice(0, 5);

/** Removes decimals that are zero. */
const roundText = (text: string): string => text.replace(/\.0+(?=\D|$)/, "");
