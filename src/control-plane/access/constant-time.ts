import { timingSafeEqual } from "node:crypto";

/** Returns whether two texts are the same, in a time that reveals nothing but their length. */
export function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
