/** The limits that hold for all replicas. */
export const limits = {
  sessionsPerReplica: 8,
  sessionsPerCall: 1,
  sessionsOfFleet: 20,
  leaseMs: 4_000,
  closeGraceMs: 2_000,
  longestSessionMs: 90_000,
} as const;
