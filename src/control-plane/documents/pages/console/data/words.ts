/* How figures are written for people. */

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const countText = (count: number): string => numbers.format(count);

/** Returns `420 ms` or `1.30 s`; a dash where there is none. */
export function msText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Returns `45 s`, `12 min 3 s` or `3 h 5 min`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytesText(bytes: number): string {
  const mib = bytes / 2 ** 20;
  if (mib < 10) return `${mib.toFixed(1)} MiB`;
  return mib < 1_024 ? `${Math.round(mib)} MiB` : `${(mib / 1_024).toFixed(1)} GiB`;
}

export const percentText = (share: number): string => `${Math.round(share * 100)} %`;

/** Returns the time of day, with seconds. */
export const timeText = (iso: string): string => new Date(iso).toLocaleTimeString("en-GB");

/** Returns the caller who started a session, which is JSON that the server's callback returned, in a few words. */
export function whoText(createdBy: unknown): string {
  if (createdBy === null || createdBy === undefined) return "–";
  if (typeof createdBy === "string") return createdBy;
  if (typeof createdBy === "object") {
    for (const name of ["name", "id", "sub", "email"]) {
      const value = (createdBy as Record<string, unknown>)[name];
      if (typeof value === "string" || typeof value === "number") return String(value);
    }
  }
  return JSON.stringify(createdBy);
}
