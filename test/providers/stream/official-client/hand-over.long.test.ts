import { supervisorOf } from "../../../../src/agent-launcher.ts";
import { startStream } from "../../../emulators/stream.ts";
import { agentUrl } from "../../../fixtures/agent-url.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { pairOf } from "../../../fixtures/fleet/fleet-of-test.ts";
import { placesOf } from "../../../fixtures/http/open-fleet.ts";
import { eventOf } from "../../../fixtures/session-watch.ts";
import { ann, inBrowser, titled } from "./in-browser.ts";

/** Some 25 s of speech, in sentences. */
const story = "This is a sentence of some words, as people say them. ".repeat(22);

inBrowser(
  titled(
    "a call that changes hands in the middle of a long turn: one voice at a time, and at last one agent",
  ),
  async (t) => {
    t.timeout(180_000);
    const stream = await startStream();
    t.teardown(() => stream.close());
    const agentEnvironment = { ...process.env, ...stream.environment } as Record<string, string>;
    const launcher = { agent: agentUrl("calls/come-back"), agentEnvironment, maxResumes: 3 };
    const pair = await pairOf(t, { launcher });
    const config = { edge: "stream" };
    const { session_id: id } = await pair.replicas[0].start({ call_id: "demo", config });
    const { owner, foreign } = placesOf(pair, id);
    await using one = await t.context.browser.open("ann", ann);
    await one.join(stream, "demo");
    await one.untilHearsSomething("agent");
    await one.untilHears("agent", null);
    const before = (await one.others()).agent?.session;
    await one.watch("agent");
    await owner.ask(`/sessions/${id}/messages`, { json: { text: story } });
    await one.untilHearsSomething("agent");
    await (await supervisorOf(owner.launcher)).drain({ timeoutMs: 60_000 });
    t.is((await foreign.ask(`/sessions/${id}`)).body.node_id, foreign.nodeId);
    const agents = () => stream.call("default:demo").participants.filter(({ userId }) => userId === "agent");
    await eventually("one agent is in the call", () => agents().length === 1);
    const session = (await supervisorOf(foreign.launcher)).getSession(id)!;
    // The other agent says the rest of the story, as it is written.
    await eventOf(
      session,
      (event) =>
        event.type === "transcript" &&
        event.role === "agent" &&
        event.final &&
        event.text !== undefined &&
        event.text.length < story.length - 1 &&
        story.trimEnd().endsWith(event.text),
    );
    await one.untilHears("agent", null);
    const { mostSessions, together, longestGapMs } = await one.watched();
    t.log(`longest silence in what the agent said: ${longestGapMs} ms`);
    t.is(mostSessions, 2);
    t.is(together, 0);
    await one.until(`stage.others().agent?.session === ${JSON.stringify(agents()[0]?.sessionId)}`);
    t.not((await one.others()).agent?.session, before);
    await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
    await one.untilSees("agent", null);
  },
);
