import test from "ava";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { callStage } from "../../fixtures/browser/chromium.ts";
import { FirefoxPage, noFirefox } from "../../fixtures/browser/firefox.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const inFirefox = noFirefox === null ? test.serial : test.serial.skip;
const title =
  "in Firefox: a call is heard both ways, by a WebSocket where the agent is on this machine alone";

// Firefox has no address of loopback for WebRTC, so that an agent which listens there alone is out of its reach.
inFirefox(noFirefox === null ? title : `${title} (${noFirefox})`, async (t) => {
  const launcher = await startLauncher({ agent: agentUrl("calls/browser") });
  t.teardown(() => launcher.stop());
  const server = await openServer(t, launcher);
  await using page = await FirefoxPage.open(`${server.url}/talk`);
  await page.ask(callStage);
  const config = { greeting: "Hello there, who are you?", heard: ["I am Ann."] };
  const options = { start: { config }, workletUrl: "/client-worklet.js" };
  await page.ask(`stage.start(${JSON.stringify(options)})`);
  t.is(await page.ask("stage.view().transport"), "websocket");
  await page.until("stage.loud()");
  await page.until("stage.said('Hello there, who are you?') && stage.quietMs() > 300");
  await page.ask("stage.speak(600)");
  await page.until("stage.said('I am Ann.') && stage.said('You said: I am Ann.')");
  await page.until("stage.loud()");
  await page.ask("stage.call.end()");
  t.is(await page.ask("stage.view().ended.reason"), "left");
});
