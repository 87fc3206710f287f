import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { silence } from "../src/audio/pcm.ts";
import { writeWav } from "../src/audio/wav.ts";
import { CallPage, launchChromium } from "../test/fixtures/browser/chromium.ts";
import { endMs } from "./agents/room.ts";
import type { Bench, Report } from "./figure.ts";
import { asking, talking, untilGaps } from "./room/talking.ts";
import { builtIn, Server } from "./server.ts";
import { median, quantile } from "./statistics.ts";

const program = fileURLToPath(new URL("./agents/room.ts", import.meta.url));
const rounds = Number(process.env.BENCH_ROOM_ROUNDS ?? 15);
/** The share of its loudness that the agent has once it is quieter by more than half of the 12 dB of an agent that may be interrupted. */
const quieter = 0.4;
const callCounts = [1, 10];
/** The callers who ask the built-in agent something, which is understood and spoken on the same cores. */
const askers = 14;
/** The pause between two clicks, in milliseconds: the next thread is warm by then, as where people do not click all the time. */
const pauseMs = 3_000;
/** A wait in the page, which has a deadline of its own. */
const waits = `const until = async (holds) => {
  for (const end = performance.now() + 10_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 2)))
    if (performance.now() > end) throw new Error("Not within 10 s: " + holds);
};`;

/** Calls in a browser, and what they cost. Run it beside nothing else: the browser needs a core. */
export default {
  about: "talking in a browser: greeting, reply and barge-in as a page hears them; the cost of a call",
  async run(report) {
    const folder = mkdtempSync(join(tmpdir(), "greenroom-bench-"));
    const microphone = join(folder, "silence.wav");
    writeWav(microphone, silence(10_000, 48_000));
    const browser = await launchChromium({ microphone });
    try {
      await greeting(browser, report);
      await replies(browser, report);
      await bargeIn(browser, report);
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true });
    }
    for (const calls of callCounts) await talking(program, calls, report);
    await asking(askers, report);
    await untilGaps(program, report);
  },
} satisfies Bench;

/** From the click until the built-in agent is heard: its model, and its voice. */
async function greeting(browser: Browser, report: Report): Promise<void> {
  await using server = await Server.start(builtIn);
  const times: number[] = [];
  const connected: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using call = await CallPage.open(browser, server.client.url);
    const [connectedMs, heardMs] = await call.ask<[number, number]>(`(async () => {
      const clicked = performance.now();
      await stage.start({ ownMicrophone: true, connectTimeoutMs: 20_000 });
      const connected = performance.now() - clicked;
      while (!stage.loud()) await new Promise((resolve) => setTimeout(resolve, 2));
      return [connected, performance.now() - clicked];
    })()`);
    connected.push(connectedMs);
    times.push(heardMs);
    await call.ask("stage.call.end()");
    await sleep(pauseMs);
  }
  report({ figure: "click_to_connected_p50", value: median(connected), unit: "ms" });
  report({
    figure: "click_to_greeting_audible_p50",
    value: median(times),
    unit: "ms",
    target: { atMost: 700 },
  });
  report({ figure: "click_to_greeting_audible_p95", value: quantile(times, 0.95), unit: "ms" });
}

/** From the last sound of a person until the answer is heard in the page, the quiet that ends a turn included. */
async function replies(browser: Browser, report: Report): Promise<void> {
  await using server = await Server.start(program);
  await using call = await CallPage.open(browser, server.client.url);
  await call.start({ connectTimeoutMs: 20_000, start: { config: {} } });
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    times.push(
      await call.ask<number>(`(async () => {
        await stage.speak(600);
        const ended = performance.now();
        while (!stage.loud()) await new Promise((resolve) => setTimeout(resolve, 2));
        return performance.now() - ended;
      })()`),
    );
    await call.untilSilent();
  }
  const note = `${endMs} ms of it end the turn; the model and the voice take no time`;
  report({ figure: "end_of_speech_to_reply_audible_p50", value: median(times), unit: "ms", note });
  report({ figure: "end_of_speech_to_reply_audible_p95", value: quantile(times, 0.95), unit: "ms" });
}

/**
 * From the first sound of a person until the agent is quieter in the page, which tells that it has noticed; and from words, here typed
 * ones, until it is silent. With a recogniser words come some hundred milliseconds after the sound.
 */
async function bargeIn(browser: Browser, report: Report): Promise<void> {
  await using server = await Server.start(program);
  await using call = await CallPage.open(browser, server.client.url);
  await call.start({ connectTimeoutMs: 20_000, start: { config: { long: true } } });
  const times: { readonly quieter: number[]; readonly silent: number[] } = { quieter: [], silent: [] };
  for (let round = 0; round < rounds; round += 1) {
    // The answer of the round before may be over.
    await call.ask("stage.call.sendText('Tell me')");
    await call.untilHears();
    const entries = await call.ask<number>("stage.call.transcript.length");
    times.quieter.push(
      await call.ask<number>(`(async () => {
        const loudness = await stage.loudness(500);
        const began = performance.now();
        const speaking = stage.speak(600);
        ${waits}
        await until(() => stage.level() <= ${quieter} * loudness);
        const noticed = performance.now() - began;
        await speaking;
        return noticed;
      })()`),
    );
    // What was said is answered: two more entries.
    await call.until(`stage.call.transcript.length >= ${entries + 2}`);
    await call.untilHears();
    times.silent.push(
      await call.ask<number>(`(async () => {
        ${waits}
        const began = performance.now();
        stage.call.sendText("Stop, and tell me something else");
        await until(() => stage.quietMs() >= 60);
        return performance.now() - stage.quietMs() - began;
      })()`),
    );
  }
  const figures = { first_sound_to_quieter: times.quieter, words_to_silence: times.silent };
  for (const [figure, values] of Object.entries(figures)) {
    report({ figure: `${figure}_p50`, value: median(values), unit: "ms", target: { atMost: 150 } });
    report({ figure: `${figure}_p95`, value: quantile(values, 0.95), unit: "ms" });
  }
}
