import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import * as testing from "greenroom/testing";
import { eventually } from "../../../fixtures/eventually.ts";
import { testCall } from "../../../fixtures/stream/caller.ts";
import { SessionLog, StreamStage } from "../../../fixtures/stream/stage.ts";
import type { OfficialBrowser, OfficialClient } from "./browser.ts";
import { ann } from "./in-browser.ts";

/**
 * Answers that are long enough to be heard through whatever happens; and enough of them, since a browser on a busy
 * machine has gaps in what it sends, each of which may end a turn.
 */
const answers = Array(20).fill(`${"I have so much to tell you about my day ".repeat(60)}and so on.`);
/** The agent's first tone; the next piece of what it says has another one. */
export const firstTone = testing.TTS.frequencyOf(0);

/** Our agent, in its thread, beside somebody who uses the official client. The agent hears a turn when they fall silent. */
export async function besideAgent(t: ExecutionContext<{ browser: OfficialBrowser }>) {
  const stage = await StreamStage.open(t);
  const client = await t.context.browser.open("ann", ann);
  t.teardown(() => client[Symbol.asyncDispose]());
  await client.join(stage.stream, testCall.callId);
  // Its recogniser gives words at the end of a turn only: a sound has to silence it, or nobody could hear that it listens.
  const session = await stage.session({
    answers,
    transcripts: answers.map(() => "Hello agent."),
    duckingDb: 60,
  });
  const log = new SessionLog(session);
  await client.untilSees("agent", "on");
  return { stage, client, session, log };
}

/** Returns how often the agent has heard the person out. */
const heardByAgent = ({ transcript }: SessionLog) =>
  transcript.filter((line) => line.endsWith(": Hello agent.")).length;

/** She falls silent, and the agent takes her turn: where it did not hear her yet, she says it again. */
export async function saysSomething(client: OfficialClient, log: SessionLog): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await client.mute();
    try {
      return await eventually("the agent has heard her", () => heardByAgent(log) > 0, 5_000);
    } catch (error) {
      if (tries === 5) throw error;
    }
    // A word takes a second to say.
    await client.unmute();
    await sleep(1_000);
  }
}

/** Words over the agent: it falls silent, hears them out and answers. */
export async function speakOver(client: OfficialClient, log: SessionLog): Promise<void> {
  const before = heardByAgent(log);
  await client.unmute();
  await client.untilHears("agent", null);
  await client.mute();
  await eventually("the agent has heard more", () => heardByAgent(log) > before);
  await client.untilHearsSomething("agent");
}
