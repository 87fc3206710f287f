import anyTest, { type TestFn } from "ava";
import { missing, OfficialBrowser, type OfficialClient } from "./browser.ts";

// Stream's official client, as it is, in a browser, joins the emulator: this is what proves the emulator.

const test = anyTest as TestFn<{ browser: OfficialBrowser }>;
const why = await missing();

/** Declares a test with a browser, which all tests of a file share. It is skipped where there is no Chromium. */
export const inBrowser = why === null ? test.serial : test.serial.skip;
/** The way to declare tests that mostly wait, together with others. */
export const besideOthers = why === null ? test : test.skip;
export const titled = (title: string): string => (why === null ? title : `${title} — not run: ${why}`);

/** The pitch of the voice of each person, in hertz. */
export const ann = 440;
export const bob = 880;
export const cid = "default:demo";

if (why === null) {
  test.before(async (t) => {
    t.context.browser = await OfficialBrowser.launch();
  });
  test.after.always(async (t) => {
    await t.context.browser?.[Symbol.asyncDispose]();
  });
}

export async function hearEachOther(ann: OfficialClient, bob: OfficialClient): Promise<void> {
  await Promise.all([ann.untilHears("bob", bob.hertz), bob.untilHears("ann", ann.hertz)]);
}
