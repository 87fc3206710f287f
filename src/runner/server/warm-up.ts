import { GreenroomError } from "../../shared/errors.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { describeAgent } from "../../supervisor/warm-up/agent-report.ts";
import { errorSentence } from "../commands/error-sentence.ts";
import type { Announcer } from "../terminal/announcer.ts";
import { harmless } from "../terminal/paint.ts";

const reportIntervalMs = 1_000;

/**
 * Starts the launcher and reports the progress. Resolves once it serves; rejects with DRAINING or REGISTRY_UNAVAILABLE
 * where it never will.
 */
export async function warmUp(supervisor: Supervisor, announcer: Announcer): Promise<void> {
  const draining = new Promise<void>((resolve) => supervisor.onDrain(resolve));
  const stopReporting = reportProgress(supervisor, announcer);
  supervisor.onRehearsed((report) => {
    for (const { level, text, fields } of describeAgent(report, supervisor.limitedProviders))
      announcer.say(level, harmless(text), { event: "agent_reported", ...fields });
  });
  try {
    await supervisor.start();
  } catch (error) {
    // The launcher does not try again by itself: the program has to end.
    if (GreenroomError.is(error) && error.code === "REGISTRY_UNAVAILABLE") throw error;
    if (supervisor.state === "warming")
      announcer.say("error", explain(error), { event: "agent_start_failed" });
  } finally {
    stopReporting();
  }
  await Promise.race([supervisor.warmedUp, draining]);
  if (!supervisor.serving) throw new GreenroomError("DRAINING");
}

/** Reports how many threads are warm whenever that changes, at most once a second. Returns a function that ends it. */
function reportProgress(supervisor: Supervisor, announcer: Announcer): () => void {
  const target = supervisor.options.warmSessions;
  let reported = -1;
  const report = () => {
    const { warm } = supervisor.slots();
    if (warm === reported) return;
    reported = warm;
    announcer.say("info", `Warming up: ${warm} of ${target} threads`, {
      event: "server_warming_up",
      warm,
      target,
    });
  };
  const timer = setInterval(report, reportIntervalMs).unref();
  return () => clearInterval(timer);
}

function explain(error: unknown): string {
  const [firstLine = ""] = harmless(errorSentence(error)).split("\n", 1);
  const sentence = /[.?!]$/.test(firstLine) ? firstLine : `${firstLine}.`;
  return `The agent cannot be started: ${sentence} Trying again; until then starts are refused.`;
}
