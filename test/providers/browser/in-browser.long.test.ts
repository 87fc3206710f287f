import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpError } from "greenroom";
import { silence, writeWav } from "greenroom/testing";
import { concatenate } from "../../../src/audio/pcm.ts";
import { resample } from "../../../src/audio/resampler.ts";
import { CallPage, launchChromium } from "../../fixtures/browser/chromium.ts";
import { LossyNetwork } from "../../fixtures/browser/lossy-network.ts";
import { inChromium, shareChromium, stageOf, titled } from "../../fixtures/browser/stage.ts";
import { flaws, said, talkPage } from "../../fixtures/browser/talk-page.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { TcpRelay } from "../../fixtures/programs/tcp-relay.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

shareChromium();

/** Has a page send its sound by way of a port of this machine, as it is made of the port that the agent's side told. */
async function detour(call: CallPage, open: (port: number) => Promise<number>): Promise<void> {
  await call.page.route("**/offer", async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const port = / 127\.0\.0\.1 (\d+) typ host/.exec(text)?.[1] ?? "0";
    const other = await open(Number(port));
    await route.fulfill({ response, body: text.replaceAll(` ${port} typ host`, ` ${other} typ host`) });
  });
}

inChromium(titled("where UDP does not pass, a WebSocket carries the call"), async (t) => {
  const { page } = await stageOf(t);
  const call = await page();
  // A port at which nothing comes out again.
  const hole = createSocket("udp4");
  t.teardown(() => hole.close());
  hole.bind(0, "127.0.0.1");
  await once(hole, "listening");
  await detour(call, async () => hole.address().port);
  await call.start({ connectTimeoutMs: 1_500, start: { config: { greeting: "Hello there, who are you?" } } });
  t.is((await call.view()).transport, "websocket");
  await call.untilHears();
  t.deepEqual(call.errors, []);
});

inChromium(titled("an edge without WebRTC is reached by WebSocket at once"), async (t) => {
  const { page } = await stageOf(t);
  const call = await page();
  await call.start({ start: { config: { edge: { webRtc: false }, greeting: "Hello there" } } });
  t.is((await call.view()).transport, "websocket");
  await call.untilHears();
});

inChromium(titled("a recording that is the browser's microphone is heard"), async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-browser-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const words = resample(await spoken("What is the weather like today?"), 48_000);
  const pause = silence(1_500, 48_000);
  const microphone = join(folder, "question.wav");
  writeWav(microphone, {
    samples: concatenate([pause.samples, words.samples, pause.samples]),
    sampleRate: 48_000,
  });
  const { server } = await stageOf(t);
  const browser = await launchChromium({ microphone });
  t.teardown(() => browser.close());
  const call = await CallPage.open(browser, server.url);
  await call.start({ ownMicrophone: true, start: { config: { heard: ["What is the weather?"] } } });
  await call.until("stage.said('What is the weather?') && stage.said('You said: What is the weather?')");
  await call.untilHears();
  t.deepEqual(call.errors, []);
});

inChromium(
  titled("a WebSocket that breaks is opened again, as the same participant, who is told what was said"),
  async (t) => {
    const { launcher, browser } = t.context;
    const { server } = await stageOf(t);
    const relay = await TcpRelay.open(t, server.port);
    const call = await CallPage.open(browser, `http://127.0.0.1:${relay.port}`);
    t.teardown(() => call[Symbol.asyncDispose]());
    await call.start({ transport: "websocket", start: { config: {} } });
    const { me } = await call.view();
    const { id } = await call.ask<{ id: string }>("stage.call.session");
    relay.cut();
    await call.until("stage.call.state === 'reconnecting'");
    await eventually("the agent is alone", () => (launcher.getSession(id)?.aloneSince ?? null) !== null);
    await server.ask(`/sessions/${id}/messages`, { json: { text: "While you were away" } });
    await eventually(
      "it was answered",
      () => launcher.getSession(id)?.metrics.snapshot().turn_duration_ms__avg != null,
    );
    relay.mend();
    await call.until("stage.call.state === 'connected' && stage.said('You said: While you were away')");
    t.deepEqual((await call.view()).me, me);
  },
);

inChromium(titled("WebRTC that breaks is made anew, as the same participant"), async (t) => {
  const { page } = await stageOf(t);
  const call = await page();
  await call.ask(`{
    const Real = RTCPeerConnection;
    globalThis.connections = [];
    globalThis.RTCPeerConnection = class extends Real {
      constructor(options) { super(options); connections.push(this); }
    };
  }`);
  await call.start({ start: { config: {} } });
  const { me } = await call.view();
  await call.ask("connections[0].close()");
  await call.until("stage.states.join() === 'connecting,connected,reconnecting,connected'");
  t.is((await call.view()).transport, "webrtc");
  t.deepEqual((await call.view()).me, me);
  await call.ask("stage.call.sendText('I am back')");
  await call.untilHears();
});

inChromium(titled("through a network that loses, delays and reorders both sides are heard"), async (t) => {
  const { page } = await stageOf(t);
  const call = await page();
  const networks: LossyNetwork[] = [];
  t.teardown(() => {
    for (const network of networks) network[Symbol.dispose]();
  });
  await detour(call, async (port) => {
    const network = await LossyNetwork.open(port);
    networks.push(network);
    return network.port;
  });
  const greeting = "Hello there, and a good day to everybody who can hear me";
  await call.start({
    transport: "webrtc",
    start: { config: { greeting, heard: ["I hear you"], characterMs: 60 } },
  });
  await call.untilHears();
  await call.until(`stage.said(${JSON.stringify(greeting)})`);
  await call.untilSilent();
  await call.speak(1_000);
  await call.until("stage.said('I hear you')");
  t.true((networks[0]?.lost ?? 0) > 0);
});

for (const transport of ["webrtc", "websocket"] as const) {
  inChromium(titled(`by ${transport}: a page that is gone without a word is out of the call`), async (t) => {
    const { launcher } = t.context;
    const { server, page } = await stageOf(t);
    const { session_id: id, session_token: token } = await server.start({ call_id: "gone" });
    const call = await page();
    await call.start({ session: { id, token }, transport });
    await eventually("the agent is not alone", () => launcher.getSession(id)?.aloneSince === null);
    // The process of the page is gone: nothing in it says goodbye.
    const crash = await call.page.context().newCDPSession(call.page);
    crash.send("Page.crash").catch(() => undefined);
    await eventually("the agent is alone", () => (launcher.getSession(id)?.aloneSince ?? null) !== null);
    t.pass();
  });
}

for (const transport of ["webrtc", "websocket"] as const) {
  inChromium(titled(`by ${transport}: typed text is answered, and speech cuts the answer`), async (t) => {
    const { page } = await stageOf(t);
    const call = await page();
    const heard = ["Stop it please now"];
    await call.start({ transport, start: { config: { heard, characterMs: 60 } } });
    const long = "one two three four five six seven eight nine ten ".repeat(10).trim();
    t.true(await call.ask(`stage.call.sendText(${JSON.stringify(long)})`));
    await call.untilHears();
    await call.speak(600);
    await call.until("stage.said('Stop it please now')");
    const { transcript } = await call.view();
    const cut = transcript.find(({ role }) => role === "agent");
    t.true(cut?.final);
    t.true((cut?.text.length ?? 0) < long.length / 2, cut?.text);
    await call.until("stage.said('You said: Stop it please now')");
    t.deepEqual(call.errors, []);
  });
}

inChromium(titled("without the microphone a person is told why, and types"), async (t) => {
  const { page, errors } = await talkPage(t, { microphone: false });
  await page.click("#talk");
  await page.waitForSelector("#problem:not([hidden])");
  t.regex((await page.textContent("#problem")) ?? "", /not allowed.*Allow the microphone.*type below/);
  await page.fill("#text", "Good evening");
  await page.click("button:text('Send')");
  await said(page, "You said: Good evening");
  t.deepEqual(errors, []);
});

inChromium(
  titled("a server that asks for a key is given one, which the page keeps in memory alone"),
  async (t) => {
    const { page } = await talkPage(t, {
      getCurrentUser: ({ headers }) => {
        if (headers.get("authorization") !== "Bearer right-key-of-the-test")
          throw new HttpError(401, "Who are you?");
        return "ann";
      },
    });
    await page.fill("#text", "Good night");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#sign-in:not([hidden])");
    t.deepEqual(await flaws(page), []);
    await page.fill("#key", "right-key-of-the-test");
    await page.keyboard.press("Enter");
    await said(page, "You said: Good night");
    t.is(await page.inputValue("#key"), "");
    t.deepEqual(await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]"), [
      0,
      0,
      "",
    ]);
  },
);
