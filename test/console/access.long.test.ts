import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, apiKey } from "greenroom";
import type { Browser } from "playwright-core";
import { launchChromium, noChromium } from "../fixtures/browser/chromium.ts";
import { flaws, openConsole, shows } from "../fixtures/console/console-page.ts";
import { openServer, startLauncher } from "../fixtures/http/open-server.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher; browser: Browser }>;
const inChromium = noChromium === null ? test.serial : test.serial.skip;
const titled = (title: string) => (noChromium === null ? title : `${title} (${noChromium})`);

const key = "a-right-key-of-the-test";
const asOperator = { authorization: `Bearer ${key}` };

test.before(async (t) => {
  if (noChromium !== null) return;
  [t.context.launcher, t.context.browser] = await Promise.all([
    startLauncher({ agentIdleTimeoutMs: 0 }),
    launchChromium(),
  ]);
});
test.after.always((t) => Promise.all([t.context.browser?.close(), t.context.launcher?.stop()]));

inChromium(
  titled("a server that asks for a key is given one, which the page keeps in memory alone"),
  async (t) => {
    const server = await openServer(t, t.context.launcher, {
      getCurrentUser: apiKey({ keys: [`operator:${key}`] }),
    });
    const session = await server.start({ call_id: "with-key" }, asOperator);
    const { page } = await openConsole(t, t.context.browser, server.url);
    await shows(page, ".problem", "This server asks for a key.");
    t.deepEqual(await flaws(page), []);
    await page.fill("#key", "a-wrong-key-of-the-test");
    await page.keyboard.press("Enter");
    await shows(page, ".problem", "This key is not right");
    await page.fill("#key", key);
    await page.keyboard.press("Enter");
    await shows(page, ".sessions td", "with-key");
    await shows(page, ".sessions td", "operator");
    t.is(await page.locator("#key, .problem").count(), 0);
    t.deepEqual(await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]"), [
      0,
      0,
      "",
    ]);
    t.false((await page.content()).includes(key));

    // The address of one session asks for the key as well, and goes on with it.
    await page.reload();
    await page.goto(`${server.url}/console#/sessions/${session.session_id}`);
    await shows(page, ".problem", "This server asks for a key.");
    await page.fill("#key", key);
    await page.keyboard.press("Enter");
    await shows(page, "h2", "with-key");
    await page.click("text=Forget the key");
    await shows(page, ".problem", "This server asks for a key.");
    t.is(await page.locator("h2", { hasText: "with-key" }).count(), 0);
  },
);

inChromium(titled("who may not view sessions is told so, and sees none"), async (t) => {
  const server = await openServer(t, t.context.launcher, { canViewSession: () => false });
  const { session_id: id } = await server.start({ call_id: "a-secret-call" });
  const { page } = await openConsole(t, t.context.browser, server.url);
  await shows(page, ".problem", "You may not view all of this server");
  await shows(page, ".sessions", "There is no session that you may view.");
  t.is(await page.locator(".tile, .replica, .plot").count(), 0);
  t.deepEqual(await flaws(page), []);
  await page.goto(`${server.url}/console#/sessions/${id}`);
  await shows(page, ".problem", "There is no such session, or you may not view it.");
  t.false((await page.content()).includes("a-secret-call"));
});

inChromium(
  titled("who may view their own sees these, and is told what they may not do with them"),
  async (t) => {
    const server = await openServer(t, t.context.launcher, {
      canViewSession: (scope) => scope.session().callId.startsWith("ours"),
      canCloseSession: () => false,
      canSendMessage: () => false,
    });
    const ours = await server.start({ call_id: "ours" });
    await server.start({ call_id: "theirs" });
    const { page } = await openConsole(t, t.context.browser, server.url);
    await shows(page, ".problem", "Sessions that you may view are listed below.");
    await shows(page, ".sessions td", "ours");
    // What starts later appears without a stream too.
    await server.start({ call_id: "ours, later" });
    await shows(page, ".sessions td", "ours, later");
    t.is(await page.locator(".sessions td", { hasText: "theirs" }).count(), 0);
    await page.goto(`${server.url}/console#/sessions/${ours.session_id}`);
    await page.fill("#message", "Hello?");
    await page.keyboard.press("Enter");
    await shows(page, ".message .problem", "You may not send messages to this session.");
    t.is(await page.inputValue("#message"), "Hello?");
    await page.click("text=Close the session");
    await page.click("text=Close it");
    await shows(page, ".close .problem", "You may not close this session.");
  },
);

inChromium(
  titled("the page is where consolePage says, and its policy allows nothing from elsewhere"),
  async (t) => {
    const { launcher } = t.context;
    const never = await openServer(t, launcher, { consolePage: "never" });
    const outside = await openServer(t, launcher, { host: "0.0.0.0" });
    for (const { url } of [never, outside]) {
      for (const path of ["/console", "/console/console.js"])
        t.is((await fetch(url + path)).status, 404, path);
    }
    const always = await openServer(t, launcher, { host: "0.0.0.0", consolePage: "always" });
    const page = await fetch(`${always.url}/console`);
    t.is(page.status, 200);
    const policy = page.headers.get("content-security-policy") ?? "";
    t.regex(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    t.notRegex(policy, /unsafe|https?:|\*/);
    for (const file of ["console.tsx", "../console.ts", "README.md", "constructor"])
      t.is((await fetch(`${always.url}/console/${encodeURIComponent(file)}`)).status, 404, file);
    for (const file of ["console.js", "console-style.css"]) {
      const { status, headers } = await fetch(`${always.url}/console/${file}`);
      t.is(status, 200);
      t.regex(headers.get("content-type") ?? "", /^text\/(javascript|css)/);
    }
  },
);
