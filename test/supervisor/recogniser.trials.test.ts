import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "ava";
import * as testing from "greenroom/testing";
import { fillLauncherOptions } from "../../src/supervisor/launcher-options.ts";
import { UnexplainedMemory } from "../../src/supervisor/monitor/memory/unexplained-memory.ts";
import { chooseRecogniser } from "../../src/supervisor/recogniser/recogniser-choice.ts";
import { deriveCapacity } from "../../src/supervisor/starts/capacity.ts";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { trials } from "../fixtures/trials.ts";
import { spoken } from "../fixtures/voice/spoken.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const plenty = { cpus: 2, memoryBytes: 8 * GiB };

test("it is offered where no key of another is set and there is memory, unless it is said otherwise", (t) => {
  const offered = (...given: Parameters<typeof chooseRecogniser>) => chooseRecogniser(...given).offered;
  t.true(offered(undefined, plenty, {}));
  t.true(offered(undefined, plenty, { DEEPGRAM_API_KEY: " " }));
  t.false(offered(undefined, plenty, { DEEPGRAM_API_KEY: "key" }));
  t.true(offered(true, plenty, { DEEPGRAM_API_KEY: "key" }));
  t.false(offered(false, plenty, {}));
  t.false(offered(undefined, { cpus: 2, memoryBytes: GiB }, {}));
  t.true(offered(true, { cpus: 2, memoryBytes: GiB }, {}));
  t.is(
    chooseRecogniser(undefined, { cpus: 2, memoryBytes: GiB }, {}).reason,
    "the process may use 1024 MiB of memory, and it is offered from 1536 MiB on (localStt: true offers it)",
  );
});

test("what it takes counts in the capacity, and in what one thread may hold", (t) => {
  const limits = { cpus: 4, memoryBytes: 2 * GiB };
  t.is(deriveCapacity(limits).sessions, 14);
  t.is(deriveCapacity(limits, 448 * MiB).sessions, 9);
  const options = (localStt: boolean) =>
    fillLauncherOptions({ agent: "/agent.ts", localStt }, limits, 100 * MiB);
  t.deepEqual(
    [options(true), options(false)].map((one) => one.maxConcurrentSessions),
    [9, 14],
  );
  const given = (localStt: boolean) =>
    fillLauncherOptions({ agent: "/agent.ts", localStt, maxConcurrentSessions: 9 }, limits, 100 * MiB);
  t.is(given(false).heapLimitMb - given(true).heapLimitMb, 448);
});

test("memory that the server takes for all is no session's", (t) => {
  const memory = new UnexplainedMemory<string>();
  t.is(memory.look(100 * MiB, new Map()), 0);
  t.is(memory.settle(), 0);
  t.is(memory.look(550 * MiB, new Map()), 0);
  t.true(memory.look(900 * MiB, new Map()) >= 300 * MiB, "what comes then is");
});

const threads = (): number =>
  readdirSync("/proc/self/task").filter((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim() === "recogniser";
    } catch {
      return false; // It has ended meanwhile.
    }
  }).length;

const onLinux = existsSync("/proc/self/task") ? test.serial : test.skip;

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
      // It is loaded before anybody speaks.
      await eventually("the recogniser", () => threads() === 1);
      const said: string[] = [];
      session.events.subscribe(0, ({ event }) => {
        if (event.type === "transcript" && event.final) said.push(`${event.role}: ${event.text}`);
      });
      const caller = call.addParticipant("caller");
      await eventually("the greeting", () => said.length > 0, 120_000);
      await caller.play(await spoken(question, "slt"));
      await eventually("the answer", () => said.length > 2, 120_000);
      await launcher.closeSession(session.id, { wait: true });
      return said;
    };
    const cities = trials<readonly (readonly [city: string, degrees: string])[]>(
      [["Paris", "15"]],
      [
        ["Paris", "15"],
        ["Rome", "20"],
      ],
    );
    await Promise.all(
      cities.map(async ([city, degrees]) => {
        const [, question, answer = ""] = await ask(city, `What is the weather in ${city}?`);
        t.is(question, `user: What is the weather in ${city}?`);
        t.regex(answer, new RegExp(`^agent: In ${city} it is ${degrees} °C`));
      }),
    );
    t.is(threads(), 1);
    await launcher.stop();
    t.is(threads(), 0);
  },
);
