import anyTest, { type TestFn } from "ava";
import type { Browser } from "playwright-core";
import { launchChromium, noChromium } from "../fixtures/browser/chromium.ts";
import { flaws, openConsole, shows } from "../fixtures/console/console-page.ts";
import { type Fleet, openFleet } from "../fixtures/http/open-fleet.ts";

const test = anyTest as TestFn<{ fleet: Fleet; browser: Browser }>;
const inChromium = noChromium === null ? test.serial : test.serial.skip;

test.before(async (t) => {
  if (noChromium !== null) return;
  [t.context.fleet, t.context.browser] = await Promise.all([openFleet(), launchChromium()]);
});
test.after.always((t) => Promise.all([t.context.browser?.close(), t.context.fleet?.close()]));

inChromium(
  `an operator sees sessions of two replicas, follows one, says something, and closes it${noChromium ? ` (${noChromium})` : ""}`,
  async (t) => {
    const [first, second] = t.context.fleet.replicas;
    const near = await first.start({ call_id: "near" });
    const far = await second.start({
      call_id: "far <img src=x onerror=alert(1)>",
      config: { note: "<b>kept</b>" },
    });
    const { page, errors } = await openConsole(t, t.context.browser, first.url);
    await shows(page, ".feed", "Live, 3 replicas");
    await shows(page, ".sessions td", "near");
    await shows(page, ".sessions td", "far <img src=x onerror=alert(1)>");
    t.regex(
      (await page.locator(".sessions tbody tr").first().textContent()) ?? "",
      /far/,
      "the newest first",
    );
    t.is(await page.locator(".replica").count(), 3);
    t.is(await page.locator(".plot canvas").count(), 6);
    await shows(page, ".replica", "1 running");
    t.deepEqual(await flaws(page), []);

    await page.click("text=far <img");
    await shows(page, "h2", "far <img src=x onerror=alert(1)>");
    await shows(page, ".facts", far.session_id);
    // It appears while the page looks on, whoever said it.
    await second.ask(`/sessions/${far.session_id}/messages`, { json: { text: "<i>red</i> tomatoes" } });
    await shows(page, ".words .user", "<i>red</i> tomatoes");
    await shows(page, ".words .agent", "<i>red</i> tomatoes");
    await page.fill("#message", "green apples");
    await page.keyboard.press("Enter");
    await shows(page, ".words .agent", "green apples");
    t.is(await page.inputValue("#message"), "");
    await shows(page, ".turns", "done");
    t.is(await page.locator(".words img, .words i, .words b").count(), 0);
    t.deepEqual(await flaws(page), []);

    await page.click("text=Close the session");
    await page.click("text=Close it");
    await shows(page, ".notice", "closed");
    t.is(await page.locator("text=Close the session").count(), 0);
    await page.click("text=All sessions");
    await shows(page, ".sessions td", "near");
    await page.locator(".sessions td", { hasText: "far" }).waitFor({ state: "detached" });
    t.is((await first.ask(`/sessions/${near.session_id}`)).status, 200);
    t.deepEqual(errors, []);
  },
);
