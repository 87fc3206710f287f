import { availableParallelism, cpus, totalmem } from "node:os";

/** One measured number. */
export interface Figure {
  /** snake_case; what was measured. */
  readonly figure: string;
  readonly value: number;
  readonly unit: "ms" | "1/s" | "MiB" | "ratio" | "count" | "bytes";
  /** The target: at most, or at least, this. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
  /** A note for readers: how it was measured, or what it compares with. */
  readonly note?: string;
}

export type Report = (figure: Figure) => void;

/** The models by which the bench of voice can be run. */
export const llms = ["gemini", "openai-compatible", "ai-sdk"] as const;

export interface BenchSettings {
  /** The provider of the model. */
  readonly llm: (typeof llms)[number];
}

export interface Bench {
  readonly about: string;
  run(report: Report, settings: BenchSettings): Promise<void>;
}

export function jsonLine(bench: string, { figure, value, unit }: Figure): string {
  return JSON.stringify({ bench, figure, value: rounded(value), unit });
}

export function tableRow(bench: string, { figure, value, unit, target, note }: Figure): string {
  const measured = `${rounded(value)} ${unit === "ratio" || unit === "count" ? "" : unit}`.trim();
  return [
    bench.padEnd(10),
    figure.padEnd(38),
    measured.padStart(14),
    targetText({ value, target }).padEnd(14),
    note ?? "",
  ]
    .join("  ")
    .trimEnd();
}

export function machine(): string {
  const model = cpus()[0]?.model ?? "unknown CPU";
  const memory = (totalmem() / 2 ** 30).toFixed(1);
  const place = `${process.platform} ${process.arch}`;
  return `${availableParallelism()} × ${model}, ${memory} GiB, ${place}, Node ${process.version}`;
}

function targetText({ value, target }: Pick<Figure, "value"> & { target: Figure["target"] }): string {
  if (target === undefined) return "";
  if ("atMost" in target) return `${value <= target.atMost ? "✔" : "✘"} ≤ ${target.atMost}`;
  return `${value >= target.atLeast ? "✔" : "✘"} ≥ ${target.atLeast}`;
}

/** Three digits are more than a benchmark knows. */
function rounded(value: number): number {
  return Number(value.toPrecision(Math.abs(value) >= 1_000 ? 4 : 3));
}
