import { StreamClient } from "@stream-io/node-sdk";
import { startStream } from "../../../emulators/stream.ts";
import { besideAgent, firstTone, saysSomething, speakOver } from "./beside-agent.ts";
import { ann, besideOthers, bob, cid, hearEachOther, inBrowser, titled } from "./in-browser.ts";

inBrowser(titled("after a killed socket it comes back into the same session"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  const { session } = (await one.others()).bob!;

  stream.call(cid).participant("bob").killSocket();
  await stream.log.find("joined", ({ reconnected }) => reconnected === true);
  await stream.log.find("answered", ({ iceRestart }) => iceRestart === true);
  await two.until("stage.callingState() === 'joined'");
  await hearEachOther(one, two);
  t.is((await one.others()).bob?.session, session);
  // What is signalled from now on goes over the new socket.
  await one.mute();
  await two.untilSees("ann", "off");
  await one.unmute();
  await two.untilSees("ann", "on");
  await hearEachOther(one, two);
  t.deepEqual(stream.log.of("gone"), []);
});

besideOthers(
  titled("where nothing is left to come back to, it joins again as another session"),
  async (t) => {
    await using stream = await startStream();
    await using one = await t.context.browser.open("ann", ann);
    await using two = await t.context.browser.open("bob", bob);
    await one.join(stream, "demo");
    await two.join(stream, "demo");
    await hearEachOther(one, two);
    const { session } = (await one.others()).bob!;

    stream.call(cid).participant("bob").killSocket({ forget: true });
    await one.until(`(stage.others().bob?.session ?? "${session}") !== "${session}"`);
    await one.untilSees("bob", "on");
    await hearEachOther(one, two);
    t.is(stream.call(cid).sessions.size, 2);
  },
);

inBrowser(titled("after a go-away it sits on another edge, and nobody saw it leave"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);

  stream.call(cid).participant("bob").goAway();
  await stream.log.find("moved", ({ user }) => user === "bob");
  await two.until("stage.callingState() === 'joined'");
  t.is(stream.call(cid).participant("bob").connection?.edge.name, "sfu-2");
  t.is(stream.call(cid).participant("ann").connection?.edge.name, "sfu-1");
  await hearEachOther(one, two);
  await two.mute();
  await one.untilSees("bob", "off");
  await two.unmute();
  await hearEachOther(one, two);
  t.deepEqual(stream.log.of("gone"), []);
  t.deepEqual(
    stream.log.of("sent").filter(({ event }) => event === "participantLeft"),
    [],
  );
});

besideOthers(titled("it notices a silent socket, and that its media is cut"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  const { session } = (await two.others()).ann!;

  stream.call(cid).participant("bob").silence();
  stream.call(cid).participant("ann").cutMedia();
  const back = "stage.callingStates().includes('reconnecting') && stage.callingState() === 'joined'";
  await Promise.all([one.until(back), two.until(back)]);
  // A cut connection is made anew in another session; a silent socket is only replaced.
  await two.until(`(stage.others().ann?.session ?? "${session}") !== "${session}"`);
  t.true(stream.log.of("close").some(({ user, code }) => user === "bob" && code === 4001));
  t.true(stream.log.of("joined").some(({ user, reconnected }) => user === "bob" && reconnected));
  await hearEachOther(one, two);
});

inBrowser(titled("from an edge that is full it goes to the next one"), async (t) => {
  await using stream = await startStream();
  stream.edges[0]!.full = true;
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await Promise.all([one.join(stream, "demo"), two.join(stream, "demo")]);
  await hearEachOther(one, two);
  t.true(stream.log.of("join_refused").every(({ code, edge }) => code === 700 && edge === "sfu-1"));
  t.is(stream.call(cid).participant("ann").connection?.edge.name, "sfu-2");
});

inBrowser(titled("kicked, or the call ended: it leaves and does not come back"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  stream.call(cid).kick("bob");
  await two.until("stage.callingState() === 'left'");
  await one.untilSees("bob", null);
  await one.endCall();
  await one.until("stage.callingState() === 'left'");
  t.is(stream.call(cid).sessions.size, 0);
  t.is(stream.log.of("joined").length, 2);
});

inBrowser(titled("custom events of the call reach it"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await one.join(stream, "demo");
  const client = new StreamClient(stream.apiKey, stream.apiSecret, { basePath: stream.url });
  const custom = { type: "transcript", text: "Hello" };
  await client.video.call("default", "demo").sendCallEvent({ user_id: "agent", custom });
  await one.until("stage.customEvents().length > 0");
  t.deepEqual(await one.customEvents(), [custom]);
});

inBrowser(titled("a permission that is revoked silences it"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  stream.call(cid).participant("bob").setGrants({ canPublishAudio: false });
  await one.untilSees("bob", "off");
  await one.untilHears("bob", null);
  await two.untilHears("ann", ann);
  t.pass();
});

inBrowser(titled("a tab that vanishes stays as a ghost until its deadline"), async (t) => {
  await using stream = await startStream({ rules: { fastReconnectDeadlineSeconds: 2 } });
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  await two.vanish();
  const closed = await stream.log.find("close", ({ user }) => user === "bob");
  await one.untilSees("bob", null);
  const gone = await stream.log.find("gone", ({ user }) => user === "bob");
  t.is(gone.reason, closed.code === 1000 ? "closed" : "signal_lost");
});

for (const order of ["early", "late", "stale"] as const) {
  inBrowser(titled(`candidates that come ${order} do not keep it from hearing`), async (t) => {
    await using stream = await startStream();
    stream.faults.candidates = order;
    stream.faults.offers = { twice: true, delayMs: order === "late" ? 300 : 0 };
    await using one = await t.context.browser.open("ann", ann);
    await using two = await t.context.browser.open("bob", bob);
    await Promise.all([one.join(stream, "demo"), two.join(stream, "demo")]);
    await hearEachOther(one, two);
    t.pass();
  });
}

inBrowser(titled("loss and jitter on the way: it is still heard"), async (t) => {
  await using stream = await startStream();
  stream.faults.downlink = { lossPercent: 5, jitterMs: 30 };
  stream.faults.uplink = { lossPercent: 2, doublePercent: 2 };
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await Promise.all([one.join(stream, "demo"), two.join(stream, "demo")]);
  await hearEachOther(one, two);
  t.pass();
});

inBrowser(titled("beside our agent: after killed sockets both come back"), async (t) => {
  const { stage, client, session, log } = await besideAgent(t);
  const { stream, call } = stage;
  await saysSomething(client, log);
  await client.untilHears("agent", firstTone);
  for (const user of ["agent", "ann"]) call.participant(user).killSocket();
  for (const user of ["agent", "ann"]) {
    await stream.log.find("joined", (entry) => entry.user === user && entry.reconnected === true);
  }
  await client.until("stage.callingState() === 'joined'");
  await client.untilSees("agent", "on");
  await client.untilHearsSomething("agent");
  await speakOver(client, log);
  t.deepEqual(stream.log.of("gone"), []);
  await stage.launcher.closeSession(session.id, { wait: true });
  await client.untilSees("agent", null);
  t.deepEqual(call.ghosts, []);
});

inBrowser(titled("beside our agent: after a go-away both sit on another edge"), async (t) => {
  const { stage, client, log } = await besideAgent(t);
  const { stream, call } = stage;
  await saysSomething(client, log);
  await client.untilHears("agent", firstTone);
  stream.edges[0]?.goAway();
  for (const user of ["agent", "ann"]) await stream.log.find("moved", (entry) => entry.user === user);
  await client.until("stage.callingState() === 'joined'");
  t.deepEqual(
    call.participants.map(({ connection }) => connection?.edge.name),
    ["sfu-2", "sfu-2"],
  );
  await client.untilHearsSomething("agent");
  await speakOver(client, log);
  t.deepEqual(stream.log.of("gone"), []);
});
