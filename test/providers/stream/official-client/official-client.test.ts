import { SfuRequest } from "../../../../src/providers/stream/wire/messages.ts";
import { startStream } from "../../../emulators/stream.ts";
import { besideAgent, firstTone, saysSomething, speakOver } from "./beside-agent.ts";
import { ann, bob, cid, hearEachOther, inBrowser, titled } from "./in-browser.ts";
import { unknownFields } from "./unknown-fields.ts";

inBrowser(titled("two people hear each other and see joins, mutes and leaves"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await one.untilSees("bob", "on");
  await two.untilSees("ann", "on");
  await hearEachOther(one, two);

  await two.mute();
  await one.untilSees("bob", "off");
  await one.untilHears("bob", null);
  await two.unmute();
  await one.untilSees("bob", "on");
  await one.untilHears("bob", bob);

  await two.leave();
  await one.untilSees("bob", null);
  t.is(stream.call(cid).sessions.size, 1);
  t.deepEqual(stream.call(cid).ghosts, []);
  await one.leave();
  await stream.log.seen("close", 2);
  t.is(stream.call(cid).sessions.size, 0);
  for (const { sockets, connections } of stream.edges) t.is(sockets.size + connections.size, 0);

  // All that it sent is known here to the last field.
  const frames = [...stream.log.of("join"), ...stream.log.of("health"), ...stream.log.of("leave")];
  t.true(frames.length >= 4);
  for (const { bytes } of frames) t.deepEqual(unknownFields(SfuRequest, bytes as Uint8Array), []);
  const requests = stream.log.of("rpc");
  t.deepEqual([...new Set(requests.map(({ encoding }) => encoding))], ["json"]);
  for (const { method, unknown } of requests) t.deepEqual(unknown, [], `${method}`);
  for (const kind of ["unknown", "failed", "rpc_refused", "candidate_ignored", "offer_failed"]) {
    t.deepEqual(stream.log.of(kind), [], kind);
  }
});

inBrowser(titled("beside our agent: each hears the other, and sees joins, mutes and leaves"), async (t) => {
  const { stage, client, session, log } = await besideAgent(t);
  await saysSomething(client, log);
  await client.untilHears("agent", firstTone);

  const agent = stage.call.participant("agent");
  agent.setGrants({ canPublishAudio: false });
  await client.untilSees("agent", "off");
  await client.untilHears("agent", null);
  agent.setGrants({ canPublishAudio: true });
  await client.untilSees("agent", "on");
  await client.untilHearsSomething("agent");

  await speakOver(client, log);
  await stage.launcher.closeSession(session.id, { wait: true });
  await client.untilSees("agent", null);
  await client.leave();
  await stage.stream.log.find("gone", ({ user }) => user === "ann");
  t.deepEqual(stage.call.participants, []);
  for (const kind of ["unknown", "failed", "rpc_refused", "candidate_ignored", "offer_failed"]) {
    t.deepEqual(stage.stream.log.of(kind), [], kind);
  }
});
