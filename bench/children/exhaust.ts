// One session takes all the memory it can get, another waits beside it. Says what became of them, if it still can.
import { AgentLauncher } from "greenroom";
import { argumentOfChild, finishChild } from "../child.ts";

export interface ExhaustResult {
  readonly endReason: string | null;
  readonly besideIsLive: boolean;
  readonly tookMs: number;
}

const { shape } = argumentOfChild<{ shape: string }>();
const launcher = new AgentLauncher({
  maxResumes: 0,
  ignoreLoad: true,
  agent: new URL("../agents/greedy.ts", import.meta.url),
  maxConcurrentSessions: 4,
  warmSessions: 2,
  logLevel: "silent",
});
await launcher.start();
const beside = await launcher.startSession({ callId: "beside" });
const begunAt = performance.now();
const greedy = await launcher.startSession({ callId: "greedy", config: { shape } });
await greedy.ended;
finishChild({
  endReason: greedy.endReason,
  besideIsLive: beside.state === "live",
  tookMs: performance.now() - begunAt,
} satisfies ExhaustResult);
