import anyTest, { type TestFn } from "ava";
import type { Browser } from "playwright-core";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { launchChromium, noChromium } from "../fixtures/browser/chromium.ts";
import { flaws, openConsole, shows } from "../fixtures/console/console-page.ts";
import { freePort } from "../fixtures/free-port.ts";
import { openServer, startLauncher } from "../fixtures/http/open-server.ts";
import { program } from "../fixtures/runner/child.ts";

const test = anyTest as TestFn<{ browser: Browser }>;
const inChromium = noChromium === null ? test.serial : test.serial.skip;
const titled = (title: string) => (noChromium === null ? title : `${title} (${noChromium})`);

test.before(async (t) => {
  if (noChromium === null) t.context.browser = await launchChromium();
});
test.after.always((t) => t.context.browser?.close());

inChromium(
  titled("a page whose server is gone says so, keeps what it had, and comes back with the server"),
  async (t) => {
    const port = await freePort();
    const launcher = { ignoreLoad: true, threadWaitTimeoutMs: 60_000, localStt: false, warmSessions: 1 };
    const serve = () =>
      program(t, ["serve", "--port", String(port), "--drain-announce-ms", "0"], { launcher });
    const before = serve();
    const url = await before.readyUrl();
    const answer = await fetch(`${url}/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"call_id":"cut off"}',
    });
    t.is(answer.status, 201);
    const { session_id: id } = (await answer.json()) as { session_id: string };
    const overview = await openConsole(t, t.context.browser, url);
    const watching = await openConsole(t, t.context.browser, url);
    await watching.page.goto(`${url}/console#/sessions/${id}`);
    await shows(overview.page, ".sessions td", "cut off");
    await shows(watching.page, "h2", "cut off");

    before.kill("SIGKILL");
    await before.exit;
    for (const { page } of [overview, watching]) {
      await shows(page, ".feed", "Disconnected, trying again");
      await shows(page, ".problem", "Disconnected. The");
      await shows(page, ".problem button", "Try now");
    }
    t.is(await overview.page.locator(".sessions td", { hasText: "cut off" }).count(), 1);
    t.deepEqual(await flaws(overview.page), []);

    await serve().readyUrl();
    await shows(overview.page, ".feed", "Live");
    await shows(overview.page, ".sessions", "There is no session that you may view.");
    t.is(await overview.page.locator(".problem").count(), 0);
    // The process that had it took its events along.
    await shows(watching.page, ".problem", "There is no such session");
  },
);

inChromium(
  titled("a server that drains says so, and a session that it closes ends for that reason"),
  async (t) => {
    const launcher = await startLauncher();
    t.teardown(() => launcher.stop());
    const server = await openServer(t, launcher);
    const { session_id: id } = await server.start({ call_id: "drained" });
    const overview = await openConsole(t, t.context.browser, server.url);
    const watching = await openConsole(t, t.context.browser, server.url);
    await watching.page.goto(`${server.url}/console#/sessions/${id}`);
    await shows(watching.page, "h2", "drained");
    await shows(overview.page, ".replica", "ready");
    (await supervisorOf(launcher)).announceDrain();
    await shows(overview.page, ".replica", "announced");
    await shows(overview.page, ".tile.bad", "no replica takes a start");
    await launcher.stop();
    await shows(watching.page, ".notice", "drained");
    t.deepEqual(watching.errors, []);
  },
);

inChromium(titled("more sessions than a page holds are paged, and it says which are shown"), async (t) => {
  const launcher = await startLauncher({ maxConcurrentSessions: 110, warmSessions: 4 });
  t.teardown(() => launcher.stop());
  const server = await openServer(t, launcher);
  for (let count = 1; count <= 103; count += 1) await server.start({ call_id: `call ${count}` });
  const { page, errors } = await openConsole(t, t.context.browser, server.url);
  await shows(page, ".paging", "1 to 100 of 103, the newest first.");
  t.is(await page.locator(".sessions tbody tr").count(), 100);
  await page.click("text=Next page");
  await shows(page, ".paging", "101 to 103 of 103, the newest first.");
  await shows(page, ".sessions td", "call 1");
  await page.click("text=Page before");
  await shows(page, ".paging", "1 to 100 of 103");
  await page.fill("#call-filter", "call 102");
  await page.keyboard.press("Enter");
  await shows(page, ".paging", "1 to 1, the newest first.");
  await page.selectOption("#state-filter", "closing");
  await shows(page, ".sessions", "No session that you may view is like this.");
  t.deepEqual(errors, []);
});
