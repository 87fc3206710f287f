import test, { type ExecutionContext } from "ava";
import type { AgentLauncher, SessionEvent } from "greenroom";
import * as testing from "greenroom/testing";
import { published, startCartesia } from "../../emulators/cartesia.ts";
import { openaiDelays, startOpenai } from "../../emulators/openai.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { eventOf } from "../../fixtures/session-watch.ts";
import { Shared } from "../../fixtures/shared.ts";

const shared = new Shared();
let launcher: AgentLauncher;

test.before(async () => {
  launcher = await startLauncher({
    agent: agentUrl("providers/other-vendors"),
    ignoreLoad: true,
    threadWaitTimeoutMs: 60_000,
    unresponsiveAfterMs: 30_000,
    localStt: false,
    maxResumes: 0,
  });
  shared.teardown(() => launcher.stop());
});
test.after.always(() => shared.end());

const story =
  "Once upon a time there was a king. He had a castle with a hundred rooms. In each room there was a bed.";

/** A call with an agent whose services are emulators, in which Alice speaks. */
async function call(t: ExecutionContext, realtime: string | null) {
  const cartesia = await startCartesia({ script: published });
  const openai = await startOpenai({ delays: openaiDelays.none });
  t.teardown(() => Promise.all([cartesia.close(), openai.close()]));
  const phrases = ["Tell me a story.", "Stop it please."];
  cartesia.script.phrases = phrases;
  openai.realtime.script.phrases = phrases;
  openai.script = ({ messages = [] }) => [
    { text: JSON.stringify(messages.at(-1)).includes("story") ? story : "All right." },
  ];
  const server = await openServer(t, launcher);
  const config = { cartesia: cartesia.url, openai: openai.url, realtime };
  const { session_id: id } = (await server.start({ config })) as { session_id: string };
  const line = await testing.dial(id);
  t.teardown(() => line.close());
  await line.joined;
  const session = launcher.getSession(id)!;
  const events: SessionEvent[] = [];
  session.events.subscribe(0, ({ event }) => void events.push(event));
  const alice = line.addParticipant("alice");
  await (realtime === null ? cartesia.log.seen("turns_audio") : openai.log.seen("realtime_audio"));
  return { cartesia, openai, line, alice, session, events };
}

for (const realtime of [null, "gpt-4o-transcribe"]) {
  test.serial(
    `words over Cartesia's voice cut it, and the model is told what was heard: ${realtime ?? "ink-2"} hears`,
    async (t) => {
      const { cartesia, openai, line, alice, session, events } = await call(t, realtime);
      const over = (count: number) => {
        let seen = 0;
        return eventOf(session, (event) => event.type === "turn" && ++seen === count);
      };
      const [first, second] = [over(1), over(2)];
      await alice.play(testing.tone(400, 500));
      await line.recording.reached(1_000);
      await alice.play(testing.tone(400, 500));
      t.like(await first, { outcome: "interrupted" });
      t.like(await second, { outcome: "done" });
      const transcript = events.flatMap((event) =>
        event.type === "transcript" && event.final ? [`${event.participantId}: ${event.text}`] : [],
      );
      const heard = transcript[1]!.replace("agent: ", "");
      t.true(story.startsWith(heard) && heard.length > 10 && heard.length < story.length, heard);
      t.deepEqual(transcript, [
        "alice: Tell me a story.",
        `agent: ${heard}`,
        "alice: Stop it please.",
        "agent: All right.",
      ]);
      const asked = openai.log.of("request").at(-1)!.body as {
        readonly messages: readonly { readonly content: string }[];
      };
      t.true(asked.messages.some(({ content }) => content === heard));
      t.is(cartesia.log.of("speech_open").length, 1, "one connection for all sentences");
      line.hangUp();
      await session.ended;
      await cartesia.log.seen("speech_close");
      if (realtime === null) await cartesia.log.seen("turns_close");
      else await openai.log.seen("realtime_close");
    },
  );
}
