import type { ServerResponse } from "node:http";
import type { StreamEnd } from "../events/event-stream.ts";
import type { FleetMoment, FleetView } from "./fleet-view.ts";

/** The time that a browser waits before it comes back, in milliseconds. */
const retryMs = 2_000;
/** The longest time that a reader may take for one moment, in milliseconds; then it is cut off. */
const slowMs = 30_000;

/**
 * Sends the fleet as it is, and then each 2 s what is new, until `stopped` or `denied` is aborted, or the reader leaves.
 * One moment waits for the reader at the most: a reader that is slower misses those in between, and is sent everything next.
 */
export async function streamFleet(
  response: ServerResponse,
  fleet: Pick<FleetView, "watch">,
  first: FleetMoment,
  { stopped, denied }: { readonly stopped: AbortSignal; readonly denied: AbortSignal },
): Promise<StreamEnd> {
  const over = Promise.withResolvers<StreamEnd>();
  const left = () => over.resolve("left");
  response.on("close", left);
  response.on("error", left);
  if (response.destroyed) left();
  let cut: NodeJS.Timeout | undefined;
  let missed = false;
  const write = (text: string) => {
    if (response.destroyed || response.writableEnded) return;
    if (response.write(`event: fleet\ndata: ${text}\n\n`)) return;
    cut ??= setTimeout(() => over.resolve("slow"), slowMs).unref();
  };
  response.on("drain", () => {
    clearTimeout(cut);
    cut = undefined;
  });
  const stop = () => over.resolve("stopped");
  const deny = () => {
    // A browser comes back, and learns by the status of that answer that it is to stay away.
    response.write(": you may not watch the fleet any more\n\n");
    over.resolve("denied");
  };
  stopped.addEventListener("abort", stop, { once: true });
  denied.addEventListener("abort", deny, { once: true });
  response.write(`retry: ${retryMs}\n\n`);
  write(first.whole);
  const unwatch = fleet.watch((moment) => {
    if (response.writableNeedDrain) missed = true;
    else {
      write(missed ? moment.whole : moment.news);
      missed = false;
    }
  });
  if (stopped.aborted) stop();
  try {
    const end = await over.promise;
    if (end === "slow") response.destroy();
    else response.end();
    return end;
  } finally {
    unwatch();
    clearTimeout(cut);
    stopped.removeEventListener("abort", stop);
    denied.removeEventListener("abort", deny);
  }
}
