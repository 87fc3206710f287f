import { agentUrl } from "../../fixtures/agent-url.ts";
import { CallPage, launchChromium, noChromium } from "../../fixtures/browser/chromium.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { balancedFleet, fleetTest, placesOf, started } from "../../fixtures/fleet/balanced-fleet.ts";
import { isKept } from "../../fixtures/fleet/conversation.ts";
import { unless } from "../../fixtures/needs.ts";
import { TcpRelay } from "../../fixtures/programs/tcp-relay.ts";

const test = noChromium === null ? fleetTest() : unless(noChromium);

test("a replica that a browser's WebSocket goes through dies: the browser is back in the session by way of another one", async (t) => {
  const { replicas } = await balancedFleet(t, {
    launcher: {
      agent: agentUrl("calls/browser"),
      ignoreLoad: true,
      localStt: false,
      maxResumes: 0,
      threadWaitTimeoutMs: 60_000,
      unresponsiveAfterMs: 30_000,
    },
  });
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const config = { greeting: "Hello there, who are you?" };
  const { session_id: id, session_token: token } = await started(replicas[0], {
    json: { call_id: "call", config },
  });
  const { owner, others } = await placesOf(replicas, id);
  const [through, other] = others;
  // As a balancer would, it leads to a replica that lives.
  const relay = await TcpRelay.open(t, through!.port);
  await using call = await CallPage.open(browser, `http://127.0.0.1:${relay.port}`);
  await call.start({ transport: "websocket", session: { id, token } });
  await call.until("stage.said('Hello there')");
  const { me } = await call.view();

  relay.leadTo(other!.port);
  await through!.kill();
  await call.until("stage.states.includes('reconnecting') && stage.call.state === 'connected'");
  await call.untilSilent();
  t.true(await call.ask("stage.call.sendText('Are you still there?')"));
  await call.until("stage.said('You said: Are you still there?')");
  await call.untilHears();
  const view = await call.view();
  t.deepEqual([view.me, view.transport], [me, "websocket"]);
  const { body } = await owner.ask(`/sessions/${id}`);
  t.deepEqual([body.state, body.resumes], ["live", 0]);
});

for (const transport of ["webrtc", "websocket"] as const) {
  for (const how of ["is killed", "drains"] as const) {
    test(`by ${transport}: the replica of a browser's call ${how}: the browser is in the same call, with an agent of another one`, async (t) => {
      const { redis, replicas } = await balancedFleet(t, {
        launcher: {
          agent: agentUrl("calls/come-back"),
          ignoreLoad: true,
          maxResumes: 3,
          localStt: false,
          threadWaitTimeoutMs: 60_000,
          unresponsiveAfterMs: 30_000,
        },
        runner: { drainAnnounceMs: 0 },
      });
      const browser = await launchChromium();
      t.teardown(() => browser.close());
      const [first] = replicas;
      const { session_id: id, session_token: token } = await started(first, {
        json: { call_id: "call", config: { edge: "browser", heard: ["Are you there?"] } },
      });
      const { owner, others } = await placesOf(replicas, id);
      const [other] = others;
      await using call = await CallPage.open(browser, other!.url);
      await call.start({ transport, session: { id, token } });
      await call.until("stage.said('Hello there.')");
      await call.untilSilent();
      const { me } = await call.view();
      if (how === "drains") await owner.drain();
      else {
        await isKept(redis, id, "Hello there.");
        await owner.kill();
      }
      await eventually("it goes on elsewhere", async () => {
        const { status, body } = await other!.ask(`/sessions/${id}`);
        return status === 200 && body.state === "live" && body.resumes === 1;
      });
      await call.until("stage.call.state === 'connected'");
      t.true(await call.ask("stage.call.sendText('and now?')"));
      await call.until("stage.said('You said: and now?')");
      await call.untilHears();
      const view = await call.view();
      t.deepEqual([view.me, view.transport], [me, transport]);
      t.is((await other!.ask(`/sessions/${id}?wait=true`, { method: "DELETE" })).status, 204);
    });
  }
}
