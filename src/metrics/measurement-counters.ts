import { Counter, type Registry } from "prom-client";
import type { Measurement } from "../shared/session/measurement.ts";
import { makeFamily } from "./families.ts";
import { LabelLimit } from "./label-limit.ts";
import { type MeasuredNumber, measurementFamilies, numbersOf } from "./measured-numbers.ts";
import type { MetricFamily } from "./metric-family.ts";

type Labels = Readonly<Record<string, string>>;
/** Counts a number, in the unit of its family; null where there was nothing to measure. */
type Count = (labels: Labels, value: number | null) => void;

/** Counts measurements of session threads. It never throws, whatever a provider's code reports. */
export class MeasurementCounters {
  readonly #counts: ReadonlyMap<MetricFamily, Count>;
  readonly #limits = new Map<string, LabelLimit>();

  /** Makes the families of all measurements in this registry. */
  constructor(registry: Registry) {
    this.#counts = new Map(measurementFamilies.map((family) => [family, countIn(family, registry)]));
  }

  record(measurement: Measurement): void {
    for (const number of numbersOf(measurement)) {
      if (number.family === null) continue;
      const value = number.of(measurement);
      const labels = this.#labelsOf(measurement, number.family, number.labels);
      this.#counts.get(number.family)?.(labels, value && (number.isDuration ? value / 1_000 : value));
    }
  }

  #labelsOf(measurement: Measurement, family: MetricFamily, own: MeasuredNumber["labels"]): Labels {
    const fields = measurement as unknown as Readonly<Record<string, unknown>>;
    const labels = family.labels.map((label) => [label, own[label] ?? this.#admit(label, fields[label])]);
    return Object.fromEntries(labels) as Labels;
  }

  #admit(label: string, value: unknown): string {
    const limit = this.#limits.get(label) ?? new LabelLimit();
    this.#limits.set(label, limit);
    return limit.admit(value);
  }
}

function countIn(family: (typeof measurementFamilies)[number], registry: Registry): Count {
  const made = makeFamily(family, registry);
  if (made instanceof Counter) return (labels, value) => made.inc({ ...labels }, value ?? 0);
  return (labels, value) => {
    if (value !== null) made.observe({ ...labels }, value);
  };
}
