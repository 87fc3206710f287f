import { Store } from "./store.ts";

/** The time after which a page that nobody sees closes its streams, in milliseconds: a browser has few to one server. */
const hiddenMs = 15_000;

/** True while nobody has seen the page for a while. */
export const isAway = new Store(false);

let timer: ReturnType<typeof setTimeout> | undefined;
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.visibilityState === "visible") isAway.set(false);
  else timer = setTimeout(() => isAway.set(true), hiddenMs);
});

/** Resolves once somebody may see the page, or the signal is aborted. */
export function seen(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (isAway.value && !signal.aborted) return;
      unsubscribe();
      signal.removeEventListener("abort", look);
      resolve();
    };
    const unsubscribe = isAway.subscribe(look);
    signal.addEventListener("abort", look);
    look();
  });
}
