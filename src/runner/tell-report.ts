import type { AgentReport } from "../protocol.ts";
import { describeAgent } from "../supervisor/agent-report.ts";
import { harmless, paintFor } from "./paint.ts";
import type { Printout } from "./printout.ts";

/** What the agent is made of, and what does not work: beside the conversation where that is a file or a pipe. */
export function tellReport(
  report: AgentReport,
  printout: Printout,
  { hints, recorded }: { readonly hints: boolean; readonly recorded: boolean },
): void {
  const beside = !("interactive" in printout && printout.interactive);
  const { dim, red } = paintFor(beside ? process.stderr : process.stdout);
  const tell = (text: string) => (beside ? process.stderr.write(`${text}\n`) : printout.line(text));
  for (const { level, text } of describeAgent(report)) {
    if (level === "error") tell(red(harmless(text)));
    else if (hints) tell(dim(harmless(text)));
  }
  const lacking = (["stt", "tts"] as const).filter((lack) => !report.services.some(({ part }) => part === lack));
  if (recorded && hints && lacking.length > 0) {
    tell(dim(`It has no ${lacking.join(" and no ").toUpperCase()} of its own: offline stand-ins take their place.`));
  }
}
