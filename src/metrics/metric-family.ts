/** One family of series in `GET /metrics`. No family ever has a label whose values grow with the number of sessions. */
export interface MetricFamily<
  Type extends "counter" | "gauge" | "histogram" = "counter" | "gauge" | "histogram",
  Label extends string = string,
> {
  /**
   * The name, which ends in the unit of its values, unless it counts things, and then in `_total` where it is a
   * counter.
   */
  readonly name: `greenroom_${string}`;
  readonly type: Type;
  readonly help: string;
  readonly labels: readonly Label[];
  /** The upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

type Name = MetricFamily["name"];

export function counter<Label extends string = never>(
  name: Name,
  help: string,
  labels: readonly Label[] = [],
): MetricFamily<"counter", Label> {
  return { name, type: "counter", help, labels };
}

export function gauge<Label extends string = never>(
  name: Name,
  help: string,
  labels: readonly Label[] = [],
): MetricFamily<"gauge", Label> {
  return { name, type: "gauge", help, labels };
}

export function histogram<Label extends string = never>(
  name: Name,
  help: string,
  buckets: readonly number[],
  labels: readonly Label[] = [],
): MetricFamily<"histogram", Label> {
  return { name, type: "histogram", help, buckets, labels };
}

/** Returns the base unit of a family's values, as its name tells; null where it counts things. */
export function unitOf({ name }: MetricFamily): "seconds" | "bytes" | "ratio" | null {
  const [, unit] = /_(seconds|bytes|ratio)(?:_total)?$/.exec(name) ?? [];
  return (unit as "seconds" | "bytes" | "ratio" | undefined) ?? null;
}
