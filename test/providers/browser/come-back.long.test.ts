import { supervisorOf } from "../../../src/agent-launcher.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { inChromium, shareChromium, stageOf, titled } from "../../fixtures/browser/stage.ts";

shareChromium(
  {},
  { agent: agentUrl("calls/come-back"), maxResumes: 3, warmSessions: 1, unresponsiveAfterMs: 2_000 },
);

const config = { edge: "browser", heard: ["Are you there?"] };

for (const transport of ["webrtc", "websocket"] as const) {
  for (const how of ["die", "hang"]) {
    inChromium(
      titled(
        `by ${transport}: where the agent's thread ends (${how}) the page is back in the same call, as the same participant`,
      ),
      async (t) => {
        const { launcher } = t.context;
        const { page } = await stageOf(t);
        const call = await page();
        await call.start({ transport, start: { config } });
        await call.until("stage.said('Hello there.')");
        await call.untilSilent();
        const { id } = await call.ask<{ id: string }>("stage.call.session");
        const { me } = await call.view();
        t.true(await call.ask(`stage.call.sendText('${how}')`));
        const at = performance.now();
        await call.until("stage.states.includes('reconnecting')");
        t.log(`noticed after ${Math.round(performance.now() - at)} ms`);
        await call.until("stage.call.state === 'connected'");
        t.log(`back after ${Math.round(performance.now() - at)} ms`);
        await call.until(
          `stage.said('Sorry, I was cut off for a moment.') && stage.said('You said: ${how}')`,
        );
        await call.untilHears();
        await call.untilSilent();
        await call.speak(600);
        await call.until("stage.said('You said: Are you there?')");
        await call.untilHears();
        t.is(launcher.getSession(id)?.resumes, 1);
        const view = await call.view();
        t.is(view.transport, transport);
        t.deepEqual(view.me, me);
        t.deepEqual(
          view.transcript.filter(({ role }) => role === "user").map(({ text, final }) => ({ text, final })),
          [
            { text: how, final: true },
            { text: "Are you there?", final: true },
          ],
        );
        await call.ask("stage.call.end()");
        t.is((await call.view()).ended?.reason, "left");
      },
    );
  }

  inChromium(titled(`by ${transport}: a page whose call moves connects to the other agent`), async (t) => {
    const supervisor = await supervisorOf(t.context.launcher);
    const { page, server } = await stageOf(t);
    const call = await page();
    const start = async (callId: string) => {
      const started = await server.start({ call_id: callId, config });
      return { id: started.session_id, token: started.session_token };
    };
    const [before, after] = await Promise.all([start("one"), start("other")]);
    await call.start({ transport, session: before });
    await call.until("stage.said('Hello there.')");
    await call.untilSilent();
    // The session of another replica has the same id: here the page is told of another one.
    await call.ask(`Object.assign(stage.call.session, ${JSON.stringify(after)})`);
    const { me } = await call.view();
    const at = performance.now();
    supervisor.getSession(before.id)?.slot?.send({ type: "close", reason: "drained", moved: true });
    await call.until(`stage.call.me.id !== '${me?.id}'`);
    t.log(`in the other call after ${Math.round(performance.now() - at)} ms`);
    t.log(`states: ${await call.ask<string[]>("stage.states")}`);
    await call.until("stage.call.state === 'connected'");
    t.true(await call.ask("stage.call.sendText('and now?')"));
    await call.until("stage.said('You said: and now?')");
    t.is((await call.view()).transport, transport);
    await call.ask("stage.call.end()");
  });
}
