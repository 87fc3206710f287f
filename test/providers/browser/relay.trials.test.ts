import { createSocket } from "node:dgram";
import { once } from "node:events";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { candidatesOf, changeSdp } from "../../fixtures/browser/candidates.ts";
import { CallPage } from "../../fixtures/browser/chromium.ts";
import { type BrowserContext, inChromium, shareChromium, titled } from "../../fixtures/browser/stage.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { noRelay, Relay, relayUser } from "../../fixtures/media/relay.ts";
import { trials } from "../../fixtures/trials.ts";

shareChromium();

const test = anyTest as TestFn<BrowserContext>;
const declare = noRelay === null ? inChromium : test.serial.skip;
const title = (text: string) => titled(noRelay === null ? text : `${text} (${noRelay})`);

/** Returns a port at which nothing comes out again. */
async function hole(t: ExecutionContext<BrowserContext>): Promise<number> {
  const socket = createSocket("udp4");
  t.teardown(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

for (const mediaPort of trials([true], [false, true])) {
  const by = mediaPort ? "beside the media port" : "with ports of its own";
  declare(title(`where no way leads straight to the agent, its relay is one, ${by}`), async (t) => {
    const relay = await Relay.start();
    t.teardown(() => relay.stop());
    const { browser } = t.context;
    const launcher = mediaPort
      ? await startLauncher({ agent: agentUrl("calls/browser"), mediaPort: 0 })
      : t.context.launcher;
    const { url } = await openServer(t, launcher);
    if (mediaPort) t.teardown(() => launcher.stop());
    const call = await CallPage.open(browser, url);
    t.teardown(() => call[Symbol.asyncDispose]());
    const nowhere = await hole(t);
    const blocked = (sdp: string) => sdp.replaceAll(/ \d+ typ host/g, ` ${nowhere} typ host`);
    const types: string[] = [];
    await changeSdp(call, {
      offer: blocked,
      async answer(sdp) {
        types.push(...candidatesOf(sdp).map(({ type }) => type));
        return blocked(sdp);
      },
    });
    await call.start({
      transport: "webrtc",
      connectTimeoutMs: 10_000,
      start: {
        config: {
          greeting: "Hello there, who are you?",
          heard: ["I am Ann"],
          characterMs: 60,
          relay: { port: relay.port, ...relayUser },
        },
      },
    });
    t.deepEqual(types.toSorted(), ["host", "relay"]);
    await call.untilHears();
    await call.until("stage.said('Hello there, who are you?')");
    await call.untilSilent();
    await call.speak(600);
    await call.until("stage.said('You said: I am Ann')");
    await call.untilHears();
    // The relay gives the address back when the call is over.
    await call.ask("stage.call.end()");
    t.deepEqual(call.errors, []);
  });
}
