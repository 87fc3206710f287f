import type { ServerLog } from "../../../log/log.ts";
import type { Supervisor } from "../../../supervisor/supervisor.ts";
import { longestAgeMs } from "./key-file.ts";
import type { KeyRing, KeyRingState } from "./key-ring.ts";

/** The most lines that a log line names. */
const mostNamed = 20;

/**
 * Checks files of keys for as long as the server lives, even while nobody calls. Reports in the log and the metrics
 * which keys are good: at the start, and whenever the contents of a file have changed.
 */
export function watchKeys(
  rings: readonly KeyRing[],
  { metrics, sessionsEnded }: Pick<Supervisor, "metrics" | "sessionsEnded">,
  log: ServerLog,
): void {
  if (rings.length === 0) return;
  const measure = () => metrics.apiKeys(...sumOf(rings.map(({ state }) => state)));
  const ends = rings.map((ring) =>
    ring.onChange((state) => {
      tell(state, log);
      measure();
    }),
  );
  for (const { state } of rings) tell(state, log);
  measure();
  const timer = setInterval(() => {
    for (const ring of rings) void ring.refresh();
  }, longestAgeMs).unref();
  const stop = () => {
    clearInterval(timer);
    for (const end of ends) end();
  };
  sessionsEnded.addEventListener("abort", stop, { once: true });
}

function tell({ valid, file }: KeyRingState, log: ServerLog): void {
  if (file === null) {
    log.info({ event: "api_keys_asked", fixed_keys: valid.fixed }, "Callers are asked for API keys");
    return;
  }
  const { path, failure, flaws } = file;
  const fields = { file: path, file_keys: valid.file, fixed_keys: valid.fixed };
  if (failure) {
    log.error(
      { event: "api_key_file_unreadable", ...fields, err: failure },
      "The file of API keys cannot be read: none of its keys is accepted",
    );
  } else if (valid.file === 0) {
    log.error(
      { event: "api_key_file_empty", ...fields, ...named(flaws) },
      "The file of API keys holds no key: it lets nobody in",
    );
  } else if (flaws.length > 0) {
    log.warn(
      { event: "api_key_file_flawed", ...fields, ...named(flaws) },
      "The file of API keys has lines that are no key, and are ignored",
    );
  } else {
    log.info({ event: "api_key_file_read", ...fields }, "The file of API keys was read");
  }
}

/** Returns the fields of a log line about lines that are no key: their numbers, and why the first is none; never their text. */
function named(flaws: NonNullable<KeyRingState["file"]>["flaws"]): object {
  if (flaws.length === 0) return {};
  return { flawed_lines: flaws.slice(0, mostNamed).map(({ place }) => place), cause: flaws[0]?.why };
}

function sumOf(states: readonly KeyRingState[]): [KeyRingState["valid"], flaws: number] {
  const valid = { fixed: 0, file: 0 };
  let flaws = 0;
  for (const state of states) {
    valid.fixed += state.valid.fixed;
    valid.file += state.valid.file;
    flaws += state.file ? state.file.flaws.length + (state.file.failure ? 1 : 0) : 0;
  }
  return [valid, flaws];
}
