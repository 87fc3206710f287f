import { inChromium, shareChromium, stageOf, titled } from "../../fixtures/browser/stage.ts";
import { eventually } from "../../fixtures/eventually.ts";

shareChromium();

for (const transport of ["webrtc", "websocket"] as const) {
  inChromium(titled(`by ${transport}: greeted aloud, heard, answered aloud, and ended`), async (t) => {
    const { launcher } = t.context;
    const { page } = await stageOf(t);
    const call = await page();
    await call.start({
      transport,
      start: { config: { greeting: "Hello there, who are you?", heard: ["I am Ann."] } },
    });
    t.is((await call.view()).transport, transport);
    await call.untilHears();
    await call.until("stage.said('Hello there, who are you?')");
    await call.untilSilent();
    await call.speak(600);
    await call.until("stage.said('I am Ann.') && stage.said('You said: I am Ann.')");
    await call.untilHears();
    const { me, agentState, transcript } = await call.view();
    t.is(agentState, "speaking");
    t.is(transcript.find(({ role }) => role === "user")?.participantId, me?.id);
    const { id } = await call.ask<{ id: string }>("stage.call.session");
    await call.ask("stage.call.end()");
    t.is((await call.view()).ended?.reason, "left");
    await eventually("the session has ended", () => launcher.getSession(id)?.state === "ended");
    t.is(launcher.getSession(id)?.endReason, "closed");
    t.deepEqual(call.errors, []);
  });

  inChromium(titled(`by ${transport}: typed text is answered, and speech cuts the answer`), async (t) => {
    const { page } = await stageOf(t);
    const call = await page();
    const heard = ["Stop it please now"];
    await call.start({ transport, start: { config: { heard, characterMs: 60 } } });
    const long = "one two three four five six seven eight nine ten ".repeat(10).trim();
    t.true(await call.ask(`stage.call.sendText(${JSON.stringify(long)})`));
    await call.untilHears();
    await call.speak(600);
    await call.until("stage.said('Stop it please now')");
    const { transcript } = await call.view();
    const cut = transcript.find(({ role }) => role === "agent");
    t.true(cut?.final);
    t.true((cut?.text.length ?? 0) < long.length / 2, cut?.text);
    await call.until("stage.said('You said: Stop it please now')");
    t.deepEqual(call.errors, []);
  });
}

inChromium(titled("two people and an agent: all hear each other, and see who comes and goes"), async (t) => {
  const { server, page } = await stageOf(t);
  const { session_id: id, session_token: token } = await server.start({ call_id: "three" });
  const session = { id, token };
  const [ann, bob] = [await page(), await page()];
  await ann.start({ session, userName: "Ann" });
  await bob.start({ session, userName: "Bob", transport: "websocket" });
  await ann.until("stage.call.participants.some(({ name }) => name === 'Bob')");
  await bob.until("stage.call.participants.some(({ name }) => name === 'Ann')");

  // Each hears the other, and not themselves.
  const speaking = ann.speak(1_500);
  await bob.untilHears();
  t.false(await ann.ask("stage.loud()"));
  await speaking;
  await bob.untilSilent();
  const answering = bob.speak(1_500);
  await ann.untilHears();
  t.false(await bob.ask("stage.loud()"));
  await answering;

  // The agent is heard by both.
  await Promise.all([ann.untilSilent(), bob.untilSilent()]);
  await ann.ask("stage.call.sendText('Hello to everybody in this call')");
  await Promise.all([ann.untilHears(), bob.untilHears()]);
  await bob.until("stage.said('Hello to everybody in this call')");
  await bob.ask("stage.call.end()");
  await ann.until("stage.call.participants.length === 0");
  t.deepEqual([...ann.errors, ...bob.errors], []);
});

for (const transport of ["webrtc", "websocket"] as const) {
  inChromium(titled(`by ${transport}: a page that is gone without a word is out of the call`), async (t) => {
    const { launcher } = t.context;
    const { server, page } = await stageOf(t);
    const { session_id: id, session_token: token } = await server.start({ call_id: "gone" });
    const call = await page();
    await call.start({ session: { id, token }, transport });
    await eventually("the agent is not alone", () => launcher.getSession(id)?.aloneSince === null);
    // The process of the page is gone: nothing in it says goodbye.
    const crash = await call.page.context().newCDPSession(call.page);
    crash.send("Page.crash").catch(() => undefined);
    await eventually("the agent is alone", () => (launcher.getSession(id)?.aloneSince ?? null) !== null);
    t.pass();
  });
}
