import type { Measurement } from "../shared/session/measurement.ts";
import type { SessionMetricName } from "../shared/session/session-metric-fields.ts";
import { measurementTable, type UsageField } from "./measurement-table.ts";
import type { MetricFamily } from "./metric-family.ts";

/** A number of the measurements of one kind, as its row of the table tells it. */
export interface MeasuredNumber {
  readonly family: MetricFamily<"counter" | "histogram"> | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly session: { readonly field: SessionMetricName; readonly outcomes?: readonly string[] } | null;
  readonly usage: UsageField | null;
  /** Its unit is milliseconds. */
  readonly isDuration: boolean;
  /** Returns the number of a measurement; null where there was nothing to measure, or it cannot be counted. */
  of(measurement: Measurement): number | null;
}

type Row = Omit<MeasuredNumber, "labels" | "isDuration" | "of"> & Partial<Pick<MeasuredNumber, "labels">>;

const numberOf = (field: string, row: Row): MeasuredNumber => ({
  labels: {},
  ...row,
  isDuration: field.endsWith("Ms"),
  of: (measurement) =>
    field === "count" ? 1 : reading((measurement as unknown as Readonly<Record<string, unknown>>)[field]),
});

const numbers: ReadonlyMap<string, readonly MeasuredNumber[]> = new Map(
  Object.entries(measurementTable).map(([kind, rows]) => [
    kind,
    Object.entries<Row>(rows).map(([field, row]) => numberOf(field, row)),
  ]),
);

/** Returns the numbers of this kind of measurement, in the order of the table. */
export const numbersOf = ({ kind }: Measurement): readonly MeasuredNumber[] => numbers.get(kind) ?? [];

/** The families of all numbers, each once, in the order of the table. */
export const measurementFamilies: readonly MetricFamily<"counter" | "histogram">[] = [
  ...new Set([...numbers.values()].flat().flatMap(({ family }) => family ?? [])),
];

/**
 * Returns a measured number where it can be counted; null where it cannot. Agents and providers are not Greenroom's
 * code, and one NaN or negative duration would spoil a sum for good (or throw inside the supervisor).
 */
export function reading(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}
