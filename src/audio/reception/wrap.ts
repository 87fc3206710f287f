/** Returns the number nearest to `near` that ends in these bits: the value of a counter that wraps. */
export function extend(value: number, near: number, bits: number): number {
  const size = 2 ** bits;
  const base = near - (((near % size) + size) % size);
  const candidate = base + value;
  if (candidate - near > size / 2) return candidate - size;
  if (near - candidate > size / 2) return candidate + size;
  return candidate;
}
