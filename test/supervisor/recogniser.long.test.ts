import test from "ava";
import * as testing from "greenroom/testing";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { namedThreads, nicenessOf, threadsAreNamed } from "../fixtures/thread/named-threads.ts";
import { spoken } from "../fixtures/voice/spoken.ts";

const threads = (): number => namedThreads("recogniser");

const onLinux = threadsAreNamed ? test.serial : test.skip;

onLinux(
  "sessions of a server understand what is said, by one thread, which ends with the server",
  async (t) => {
    t.timeout(300_000);
    const builtIn = new URL("../../workers/default-agent.ts", import.meta.url).href;
    const launcher = await launch(t, builtIn, {
      localStt: true,
      agentEnvironment: { WEATHER_API_URL: "offline" },
    });
    t.is(threads(), 0, "the rehearsal is no call");
    const ask = async (callId: string, question: string) => {
      const session = await launcher.startSession({ callId, inMemory: {} });
      using call = await testing.dial(session.id);
      await call.joined;
      const said: string[] = [];
      session.events.subscribe(0, ({ event }) => {
        if (event.type === "transcript" && event.final) said.push(`${event.role}: ${event.text}`);
      });
      const caller = call.addParticipant("caller");
      // It is loaded before they speak.
      await eventually("the recogniser", () => threads() === 1);
      await eventually("the greeting", () => said.length > 0, 120_000);
      await caller.play(await spoken(question, "slt"));
      await eventually("the answer", () => said.length > 2, 120_000);
      await launcher.closeSession(session.id, { wait: true });
      return said;
    };
    const cities = [
      ["Paris", "15"],
      ["Rome", "20"],
    ] as const;
    await Promise.all(
      cities.map(async ([city, degrees]) => {
        const [, question, answer = ""] = await ask(city, `What is the weather in ${city}?`);
        t.is(question, `user: What is the weather in ${city}?`);
        t.regex(answer, new RegExp(`^agent: In ${city} it is ${degrees} °C`));
      }),
    );
    t.is(threads(), 1);
    t.deepEqual(nicenessOf("recogniser"), [5], "those that send sound come first");
    await launcher.stop();
    t.is(threads(), 0);
  },
);
