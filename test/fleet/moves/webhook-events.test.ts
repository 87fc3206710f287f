import anyTest, { type TestFn } from "ava";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { Conversation, isKept, ownerIn, resumingFleet } from "../../fixtures/fleet/conversation.ts";
import { pairOf } from "../../fixtures/fleet/fleet-of-test.ts";
import { placesOf } from "../../fixtures/http/open-fleet.ts";
import { needs } from "../../fixtures/needs.ts";
import { EventReceiver } from "../../fixtures/supervisor/event-receiver.ts";

const test = (anyTest as TestFn).serial;

test("a call that is handed over: each replica sends the events of its time, and ids go on without a gap", async (t) => {
  const receiver = await EventReceiver.open(t);
  const { url, secret } = receiver;
  const webhook = { url, secret, events: ["state", "transcript", "interrupted", "resumed"] as const };
  const pair = await pairOf(t, { launcher: { agent: agentUrl("calls/come-back"), maxResumes: 3, webhook } });
  const { session_id: id } = await pair.replicas[0].start({ config: {} });
  const { owner, foreign } = placesOf(pair, id);
  const exchange = async (text: string) => {
    await owner.ask(`/sessions/${id}/messages`, { json: { text } });
    await eventually("it is told of", () =>
      receiver.eventsOf(id).some((event) => event.text === `You said: ${text}`),
    );
  };
  await eventually("it greets", () => receiver.eventsOf(id).some((event) => event.text === "Hello there."));
  await exchange("before");
  await (await supervisorOf(owner.launcher)).drain({ timeoutMs: 60_000 });
  await eventually("the other one tells of it", () =>
    receiver.eventsOf(id).some(({ type }) => type === "resumed"),
  );
  await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
  await eventually("its end is told", () => receiver.messages.at(-1)?.type === "session.ended");
  const events = receiver.eventsOf(id);
  t.deepEqual(
    events.filter(({ type }) => type === "gap"),
    [],
  );
  const ids = events.map((event) => event.id!).sort((one, other) => one - other);
  t.is(new Set(ids).size, ids.length);
  t.is(events.filter(({ type }) => type === "interrupted").length, 1);
  const resumed = events.find(({ type }) => type === "resumed");
  const before = events.find(({ text }) => text === "You said: before");
  t.true(resumed!.id! > before!.id!);
  t.is(receiver.messages.filter(({ type }) => type === "session.ended").length, 1);
  t.is(receiver.forged, 0);
});

needs("redis-server", test)(
  "a replica that sent events is killed: the other one goes on with higher ids, and says what nobody knows",
  async (t) => {
    t.timeout(120_000);
    const receiver = await EventReceiver.open(t);
    const { redis, replicas } = await resumingFleet(t, ["first", "second"], {
      leaseMs: 3_000,
      environment: {
        GREENROOM_WEBHOOK_URL: receiver.url,
        GREENROOM_WEBHOOK_SECRET: receiver.secret,
        GREENROOM_WEBHOOK_EVENTS: "transcript, resumed",
      },
    });
    const [first, second] = replicas;
    const { session_id: id } = await first!.start();
    const conversation = new Conversation(t, id);
    await conversation.exchange(second!, "before");
    const has = (text: string) => receiver.eventsOf(id).some((event) => event.text === text);
    await eventually("it is told of", () => has("You said: before"));
    await isKept(redis, id, "You said: before");
    await first!.kill();
    await eventually("it is adopted", async () => (await ownerIn(redis, id)) === "second");
    await conversation.exchange(second!, "after");
    await eventually("it is told of", () => has("You said: after"));
    await second!.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
    await eventually("its end is told", () => receiver.messages.at(-1)?.type === "session.ended");
    const events = receiver.eventsOf(id);
    const gap = events.find(({ type }) => type === "gap");
    const texts = new Map(events.flatMap((event) => (event.id === undefined ? [] : [[event.id, event]])));
    const idOf = (text: string) => events.find((event) => event.text === text)!.id!;
    t.true(gap!.last_event_id! >= idOf("You said: before"));
    t.true(gap!.next_event_id! <= events.find(({ type }) => type === "resumed")!.id!);
    t.true(idOf("You said: after") - idOf("You said: before") > 1_000);
    // An id that comes twice is the same event.
    for (const event of events) if (event.id !== undefined) t.deepEqual(event, texts.get(event.id));
    t.is(receiver.forged, 0);
  },
);
