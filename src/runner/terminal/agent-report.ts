import type { AgentReport } from "../../shared/protocol.ts";
import { describeAgent } from "../../supervisor/warm-up/agent-report.ts";
import type { ConsoleCaller } from "../console/caller.ts";
import { harmless, paintFor } from "./paint.ts";

/**
 * Shows the parts of the agent, where hints are wanted, and its faults. Where the conversation goes to a pipe or a file
 * they are written to standard error.
 */
export function showAgentReport(
  report: AgentReport,
  caller: ConsoleCaller,
  { hints, limited }: { readonly hints: boolean; readonly limited: readonly string[] },
): void {
  const { dim, red, yellow } = paintFor(caller.interactive ? process.stdout : process.stderr);
  const tell = (text: string) =>
    caller.interactive ? caller.printout.line(text) : process.stderr.write(`${text}\n`);
  for (const { level, text } of describeAgent(report, limited)) {
    if (level === "error") tell(red(harmless(text)));
    else if (level === "warn") tell(yellow(harmless(text)));
    else if (hints) tell(dim(harmless(text)));
  }
  const lacking = (["stt", "tts"] as const).filter(
    (lack) => !report.services.some(({ part }) => part === lack),
  );
  if (caller.request.inMemory !== undefined && hints && lacking.length > 0) {
    const names = lacking.map((part) => part.toUpperCase()).join(" and no ");
    tell(dim(`It has no ${names} of its own: in this call offline stand-ins take their place.`));
  }
}
