import { createSocket } from "node:dgram";
import type { Worker } from "node:worker_threads";
import { type AnsweredCandidate, candidatesOf, changeSdp } from "../../fixtures/browser/candidates.ts";
import type { CallPage } from "../../fixtures/browser/chromium.ts";
import { inChromium, shareChromium, stageOf, titled } from "../../fixtures/browser/stage.ts";

/** The threads of the media port that were started so far. */
const threads: Worker[] = [];
process.on("worker", (worker) => {
  if (worker.threadName === "media-port") threads.push(worker);
});
shareChromium({}, { mediaPort: 0, maxConcurrentSessions: 16 });

/** Notes the candidates that a page is told. */
async function watched(call: CallPage): Promise<AnsweredCandidate[]> {
  const candidates: AnsweredCandidate[] = [];
  await changeSdp(call, {
    async answer(sdp) {
      candidates.push(...candidatesOf(sdp));
      return sdp;
    },
  });
  return candidates;
}

inChromium(titled("several sessions talk through one UDP port, while strangers send to it"), async (t) => {
  const { page } = await stageOf(t);
  const calls = [await page(), await page(), await page()];
  const told = await Promise.all(calls.map(watched));
  await Promise.all(
    calls.map((call, place) =>
      call.start({
        transport: "webrtc",
        connectTimeoutMs: 20_000,
        start: {
          config: { greeting: `Hello to number ${place}`, heard: [`I am ${place}`], characterMs: 100 },
        },
      }),
    ),
  );
  const candidates = told.flat();
  t.is(candidates.length, 3);
  const ports = new Set(candidates.map(({ port }) => port));
  t.is(ports.size, 1);
  t.deepEqual(
    new Set(candidates.map(({ address, type }) => `${address} ${type}`)),
    new Set(["127.0.0.1 host"]),
  );

  const stranger = createSocket("udp4");
  t.teardown(() => stranger.close());
  const flood = setInterval(() => {
    for (const packet of ["", "\x80 some sound", "\0\x01\0\0!\x12\xa4B nothing at all", "x".repeat(1_400)])
      stranger.send(Buffer.from(packet, "latin1"), [...ports][0] ?? 0, "127.0.0.1");
  }, 5);
  t.teardown(() => clearInterval(flood));
  await Promise.all(
    calls.map(async (call, place) => {
      // The greeting may be over: the calls did not begin at the same time.
      await call.until(`stage.said('Hello to number ${place}')`);
      await call.untilSilent();
      await call.speak(600);
      await call.until(`stage.said('I am ${place}') && stage.said('You said: I am ${place}')`);
      await call.untilHears();
      t.is((await call.view()).transport, "webrtc");
      t.deepEqual(call.errors, []);
    }),
  );
  t.is(threads.length, 1);
});

inChromium(titled("where the media port is lost, calls are made anew through the next one"), async (t) => {
  const { page } = await stageOf(t);
  const call = await page();
  await call.start({ transport: "webrtc", start: { config: {} } });
  const { me } = await call.view();
  await threads.at(-1)?.terminate();
  await call.until("stage.states.includes('reconnecting') && stage.call.state === 'connected'");
  t.is(threads.length, 2);
  t.is((await call.view()).transport, "webrtc");
  t.deepEqual((await call.view()).me, me);
  await call.ask("stage.call.sendText('I am back')");
  await call.untilHears();
});

inChromium(titled("the page is told the address that is advertised, or each of the machine's"), async (t) => {
  const { page } = await stageOf(t);
  const told = async (edge: object) => {
    const call = await page();
    const candidates = await watched(call);
    await call.start({ start: { config: { edge, greeting: "Hello there" } }, connectTimeoutMs: 3_000 });
    await call.untilHears();
    await call.ask("stage.call.end()");
    return candidates.map(({ address }) => address);
  };
  t.deepEqual(await told({ advertisedAddress: "127.0.0.2" }), ["127.0.0.2"]);
  const every = await told({ address: "0.0.0.0" });
  t.true(every.length > 0 && !every.includes("0.0.0.0"), every.join(" "));
});
