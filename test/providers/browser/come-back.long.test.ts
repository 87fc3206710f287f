import { agentUrl } from "../../fixtures/agent-url.ts";
import { inChromium, shareChromium, stageOf, titled } from "../../fixtures/browser/stage.ts";

shareChromium({}, { agent: agentUrl("come-back"), maxResumes: 3, unresponsiveAfterMs: 2_000 });

for (const transport of ["webrtc", "websocket"] as const) {
  for (const how of ["die", "hang"]) {
    inChromium(
      titled(`by ${transport}: where the agent's thread ends (${how}) it is back in the same call`),
      async (t) => {
        const { launcher } = t.context;
        const { page } = await stageOf(t);
        const call = await page();
        await call.start({ transport, start: { config: { edge: "browser", heard: ["Are you there?"] } } });
        await call.until("stage.said('Hello there.')");
        await call.untilSilent();
        const { id } = await call.ask<{ id: string }>("stage.call.session");
        t.true(await call.ask(`stage.call.sendText('${how}')`));
        await call.until("stage.states.includes('reconnecting') && stage.call.state === 'connected'");
        await call.until(
          `stage.said('Sorry, I was cut off for a moment.') && stage.said('You said: ${how}')`,
        );
        await call.untilHears();
        await call.untilSilent();
        await call.speak(600);
        await call.until("stage.said('You said: Are you there?')");
        await call.untilHears();
        t.is(launcher.getSession(id)?.resumes, 1);
        t.is((await call.view()).transport, transport);
        await call.ask("stage.call.end()");
        t.is((await call.view()).ended?.reason, "left");
      },
    );
  }
}
