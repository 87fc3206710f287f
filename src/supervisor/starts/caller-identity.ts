import type { JsonValue } from "../../shared/protocol.ts";

/**
 * Returns the part by which a caller is told apart: its `id` or `sub` where it has one, so that a claim that changes
 * with every token makes no other caller of it; else all of it.
 */
export function callerIdentity(createdBy: JsonValue): JsonValue {
  if (typeof createdBy !== "object" || createdBy === null || Array.isArray(createdBy)) return createdBy;
  const { id, sub } = createdBy;
  return [id, sub].find((name) => typeof name === "string" || typeof name === "number") ?? createdBy;
}
