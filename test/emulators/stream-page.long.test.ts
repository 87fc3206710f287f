import test from "ava";
import { launchChromium, noChromium } from "../fixtures/browser/chromium.ts";
import { type StreamEmulator, startStream } from "./stream.ts";

const inChromium = noChromium === null ? test.serial : test.serial.skip;
const title = "people meet on the page of the emulated Stream, and hear each other";
/** The longest time that a page may take for anything on a busy machine, in milliseconds. */
const timeout = 40_000;

/** The address that a link of the Stream edge has, for a person of that name. */
function link(stream: StreamEmulator, user: string): string {
  const query = new URLSearchParams({
    api_key: stream.apiKey,
    token: stream.userToken(user),
    skip_lobby: "true",
    user_id: user,
    user_name: user,
  });
  return `${stream.environment.EXAMPLE_BASE_URL}/join/demo?${query}`;
}

inChromium(noChromium === null ? title : `${title} (${noChromium})`, async (t) => {
  await using stream = await startStream();
  stream.call("default:demo");
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const errors: string[] = [];
  const open = async (user: string) => {
    const context = await browser.newContext({ permissions: ["microphone"] });
    const page = await context.newPage();
    page.setDefaultTimeout(timeout);
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(link(stream, user));
    await page.click("#join");
    await page.waitForSelector("#state:text('You are in the call.')");
    return page;
  };
  const ann = await open("ann");
  const bob = await open("bob");
  await ann.waitForSelector("#people li:text('bob')");
  await bob.waitForSelector("#people li:text('ann')");
  const sounds = "[...document.querySelectorAll('audio')].some((one) => one.currentTime > 0.2)";
  await ann.waitForFunction(sounds);
  await bob.waitForFunction(sounds);
  await bob.click("#mute");
  await bob.waitForSelector("#mute[aria-pressed=true]");
  await bob.click("#leave");
  await ann.waitForSelector("#people:not(:has(li:text('bob')))");
  await bob.waitForSelector("#join:not([hidden])");
  t.deepEqual(errors, []);
});
