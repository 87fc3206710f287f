/** The value below which this share (0…1) of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
  if (value === undefined) throw new Error("There are no values");
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
