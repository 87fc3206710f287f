import { ApiError, ask } from "./api.ts";
import { onEachMoment } from "./fleet.ts";
import type { SessionView } from "./session-view.ts";
import { Store } from "./store.ts";

/** The most sessions on a page. */
export const pageSize = 100;
/** Looking takes this share of the time at the most: where an answer takes long, it is asked for less often. */
const longestShare = 0.25;

export interface SessionsQuery {
  readonly state: string;
  readonly callId: string;
  /** The cursor of this page, after those of all pages before; empty on the first page. */
  readonly cursors: readonly string[];
}

export interface SessionRow extends SessionView {
  /** The share of a core that its thread used since the last look; null at the first one. */
  readonly cpu: number | null;
}

export interface SessionsData {
  readonly rows: readonly SessionRow[] | null;
  readonly nextCursor: string | null;
  /** The replicas whose sessions are missing. */
  readonly missing: readonly string[];
  readonly error: ApiError | null;
}

export const noQuery: SessionsQuery = { state: "", callId: "", cursors: [] };

/** The sessions of one page of the list, looked at again at each moment while somebody looks at it. */
export class SessionList {
  readonly data = new Store<SessionsData>({ rows: null, nextCursor: null, missing: [], error: null });
  #query: SessionsQuery = noQuery;
  #asking: AbortController | null = null;
  #notBefore = 0;
  #cpuSeen = new Map<string, CpuReading>();
  readonly #close: () => void;

  constructor() {
    this.#close = onEachMoment(() => void this.#look());
    void this.#look();
  }

  close(): void {
    this.#close();
    this.#asking?.abort();
  }

  /** Asks for another page. */
  ask(query: SessionsQuery): void {
    this.#query = query;
    this.#asking?.abort();
    this.#asking = null;
    this.#notBefore = 0;
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#asking || performance.now() < this.#notBefore) return;
    const asking = new AbortController();
    this.#asking = asking;
    const begunAt = performance.now();
    try {
      const response = await ask(`/sessions?${searchOf(this.#query)}`, { signal: asking.signal });
      const { sessions, next_cursor: nextCursor } = (await response.json()) as {
        sessions: SessionView[];
        next_cursor: string | null;
      };
      const missing = (response.headers.get("greenroom-incomplete") ?? "").split(", ").filter(Boolean);
      this.data.set({
        rows: this.#withCpu(sessions),
        nextCursor,
        missing: missing.map(decodeURIComponent),
        error: null,
      });
    } catch (error) {
      if (asking.signal.aborted) return;
      const told = error instanceof ApiError ? error : new ApiError("The list of sessions cannot be read.");
      this.data.patch(told.mayPass ? { error: told } : { error: told, rows: null });
    } finally {
      if (this.#asking === asking) this.#asking = null;
      this.#notBefore = performance.now() + (performance.now() - begunAt) * (1 / longestShare - 1);
    }
  }

  #withCpu(sessions: readonly SessionView[]): SessionRow[] {
    const at = performance.now();
    const rows = sessions.map((session) => {
      const { session_id: id, resources } = session;
      const last = this.#cpuSeen.get(id);
      const cpu = resources && last ? cpuShare(last, { ms: resources.cpu_ms, at }) : null;
      return { ...session, cpu };
    });
    this.#cpuSeen = new Map(
      sessions.flatMap(({ session_id: id, resources }) =>
        resources ? [[id, { ms: resources.cpu_ms, at }]] : [],
      ),
    );
    return rows;
  }
}

export interface CpuReading {
  readonly ms: number;
  readonly at: number;
}

export function cpuShare(before: CpuReading, now: CpuReading): number | null {
  const passedMs = now.at - before.at;
  return passedMs > 0 ? Math.max(0, now.ms - before.ms) / passedMs : null;
}

function searchOf({ state, callId, cursors }: SessionsQuery): string {
  const cursor = cursors.at(-1);
  return new URLSearchParams({
    config: "false",
    order: "newest",
    limit: String(pageSize),
    ...(state && { state }),
    ...(callId && { call_id: callId }),
    ...(cursor && { cursor }),
  }).toString();
}
