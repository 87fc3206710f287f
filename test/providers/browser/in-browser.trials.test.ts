import { SessionTokens } from "../../../src/control-plane/access/session-token.ts";
import { inChromium, shareChromium, stageOf, titled } from "../../fixtures/browser/stage.ts";
import { flaws, said, stateIs, talkPage } from "../../fixtures/browser/talk-page.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openServer } from "../../fixtures/http/open-server.ts";
import { trials } from "../../fixtures/trials.ts";

shareChromium();

type Transport = "webrtc" | "websocket";

for (const transport of trials<readonly Transport[]>(["webrtc"], ["webrtc", "websocket"])) {
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

inChromium(titled("a page is told why its call is over, or does not begin"), async (t) => {
  const { launcher } = t.context;
  const { page } = await stageOf(t);
  const call = await page();
  await call.start({ start: { config: {} } });
  const session = await call.ask<{ id: string; token: string }>("stage.call.session");
  await launcher.closeSession(session.id);
  await call.until("stage.call.state === 'ended'");
  t.is((await call.view()).ended?.reason, "closed");

  const late = await page();
  const error = await late.ask(
    `stage.start({ session: ${JSON.stringify(session)} }).catch(({ name, code, message, endReason }) => ({ name, code, message, endReason }))`,
  );
  t.like(error as object, { name: "CallError", code: "not_found", endReason: "closed" });

  const denied = await page();
  await denied.ask(
    "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); }",
  );
  t.is(
    await denied.ask("stage.start({ ownMicrophone: true, start: {} }).catch(({ code }) => code)"),
    "microphone_denied",
  );
});

inChromium(titled("an offer waits for no candidates that the agent has no use for"), async (t) => {
  const { page } = await stageOf(t);
  const call = await page();
  // The search for candidates never ends, nor does the wait for its end.
  await call.ask(`{
    const wait = setTimeout;
    globalThis.setTimeout = (done, ms) => wait(done, ms >= 100 && ms < 1_000 ? 3_600_000 : ms);
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      get iceGatheringState() { return "gathering"; }
    };
    const ask = fetch;
    globalThis.offers = [];
    globalThis.fetch = (url, options) => {
      if (String(url).endsWith("/offer")) offers.push(JSON.parse(options.body).offer.sdp);
      return ask(url, options);
    };
  }`);
  await call.start({ transport: "webrtc", start: { config: {} } });
  const [offer = ""] = await call.ask<string[]>("offers");
  t.regex(offer, /^a=candidate:\S+ 1 udp /m);
});

/** Nobody is known but by a token. */
const nobody = (): null => null;

inChromium(
  titled("a person talks by button and keyboard, sees words and latency, and ends the call"),
  async (t) => {
    const { page, errors } = await talkPage(t);
    t.deepEqual(await flaws(page), []);
    await page.focus("#talk");
    await page.keyboard.press("Enter");
    await stateIs(page, "The agent is");
    await page.fill("#text", "Good morning");
    await page.keyboard.press("Enter");
    await said(page, "Good morning");
    await said(page, "You said: Good morning");
    await page.click("#mute");
    t.is(await page.getAttribute("#mute", "aria-pressed"), "true");
    t.deepEqual(await flaws(page), []);
    await page.emulateMedia({ colorScheme: "dark" });
    t.deepEqual(await flaws(page), []);
    await page.click("#end");
    await stateIs(page, "You ended the call");
    t.is(await page.textContent("#talk"), "Talk again");
    t.deepEqual(errors, []);
  },
);

inChromium(titled("an address that names a session joins it, without a key, until it is over"), async (t) => {
  const { launcher } = t.context;
  const session = await launcher.startSession({ callId: "named", createdBy: "the host" });
  const token = "a-token-secret-of-the-test-that-is-long";
  const { page, errors, server } = await talkPage(t, {
    sessionTokenSecret: token,
    canViewSession: async (scope) => (await scope.resolve(nobody)) === "the host",
    canStartSession: () => false,
    getCurrentUser: nobody,
  });
  const link = new URLSearchParams({
    session: session.id,
    token: new SessionTokens([token]).issue(session.id) ?? "",
  });
  await page.goto(`${server.url}/talk#${link}`);
  await page.reload();
  await page.click("#talk");
  await stateIs(page, "The agent is");
  await page.fill("#text", "Good day");
  await page.keyboard.press("Enter");
  await said(page, "You said: Good day");
  await page.click("#end");
  await stateIs(page, "You ended the call");
  t.is(session.endReason, null, "the call goes on");
  await page.click("#talk");
  await stateIs(page, "The agent is");
  t.deepEqual(errors, []);
  await launcher.closeSession(session.id, { wait: true });
  await stateIs(page, "The call was closed");
  t.true(await page.isHidden("#talk"));
});

inChromium(titled("the page is where talkPage says"), async (t) => {
  const { launcher } = t.context;
  const never = await openServer(t, launcher, { talkPage: "never" });
  t.is((await fetch(`${never.url}/talk`)).status, 404);
  t.is((await fetch(`${never.url}/`)).url, `${never.url}/docs`);
  const outside = await openServer(t, launcher, { host: "0.0.0.0" });
  t.is((await fetch(`${outside.url}/talk`)).status, 404);
  const always = await openServer(t, launcher, { host: "0.0.0.0", talkPage: "always" });
  const page = await fetch(`${always.url}/talk`);
  t.is(page.status, 200);
  t.regex(page.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
  for (const file of ["../talk.ts", "talk.html", "constructor"])
    t.is((await fetch(`${always.url}/talk/${encodeURIComponent(file)}`)).status, 404, file);
});
