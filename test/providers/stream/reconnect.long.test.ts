import { readdirSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import * as testing from "greenroom/testing";
import { now } from "../../../src/shared/protocol.ts";
import { reached } from "../../fixtures/session-watch.ts";
import { StreamPerson } from "../../fixtures/stream/person.ts";
import { SessionLog, StreamStage } from "../../fixtures/stream/stage.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

// What the agent's connection goes through, seen by somebody who listens to it. How long the sound was gone is told, not judged.

/** One sentence, so that it is one tone; 20 ms each character. */
const story = (seconds: number) =>
  `${"I have so much to tell you about my day ".repeat(seconds * 1.25)}and so on.`;

interface Fault {
  readonly title: string;
  readonly storySeconds?: number;
  happen(stage: StreamStage): void;
  /** Resolves when it is over. */
  settled(stage: StreamStage): Promise<unknown>;
  check(t: ExecutionContext, stage: StreamStage): void;
}

const agentOf = (stage: StreamStage) => stage.call.participant("agent");
const joinsOf = (stage: StreamStage) => stage.stream.log.of("joined").filter(({ user }) => user === "agent");
const rejoined = (stage: StreamStage) => until(() => joinsOf(stage).length > 1, "another join", 30_000);

/** The connection makes a new session, or goes to another SFU. */
const faults: readonly Fault[] = [
  {
    title: "a session that the SFU forgot",
    happen: (stage) => agentOf(stage).killSocket({ forget: true }),
    settled: rejoined,
    check(t, stage) {
      t.not(joinsOf(stage)[1]?.session, joinsOf(stage)[0]?.session);
    },
  },
  {
    title: "a go-away",
    happen: (stage) => agentOf(stage).goAway(),
    settled: (stage) => stage.stream.log.find("moved", ({ user }) => user === "agent"),
    check(t, stage) {
      t.is(agentOf(stage).connection?.edge.name, "sfu-2");
      t.is(joinsOf(stage)[1]?.session, joinsOf(stage)[0]?.session);
    },
  },
];

/** Other faults, most of which are noticed only after many seconds. */
const slowFaults: readonly Fault[] = [
  {
    title: "a cut socket",
    happen: (stage) => agentOf(stage).killSocket(),
    settled: rejoined,
    check(t, stage) {
      t.true(joinsOf(stage)[1]?.reconnected);
      t.deepEqual(stage.stream.log.of("gone"), []);
    },
  },
  {
    title: "a go-away for everybody on the edge",
    happen: (stage) => stage.stream.edges[0]?.goAway(),
    settled: (stage) => until(() => stage.stream.log.of("moved").length === 2, "two moves"),
    check(t, stage) {
      t.deepEqual(
        stage.call.participants.map(({ connection }) => connection?.edge.name),
        ["sfu-2", "sfu-2"],
      );
    },
  },
  {
    title: "a silent socket",
    storySeconds: 17,
    happen: (stage) => agentOf(stage).silence(),
    settled: rejoined,
    check(t, stage) {
      t.true(joinsOf(stage)[1]?.reconnected);
    },
  },
  {
    title: "media that is cut",
    storySeconds: 17,
    happen: (stage) => agentOf(stage).cutMedia(),
    settled: rejoined,
    check(t, stage) {
      t.not(joinsOf(stage)[1]?.session, joinsOf(stage)[0]?.session);
    },
  },
  {
    title: "a cut socket together with media that is cut",
    storySeconds: 17,
    happen(stage) {
      agentOf(stage).cutMedia();
      agentOf(stage).killSocket();
    },
    settled: rejoined,
    check(t, stage) {
      t.is(stage.call.participants.length, 2);
    },
  },
];

for (const { title, storySeconds = 5, happen, settled, check } of [...faults, ...slowFaults]) {
  test.serial(`${title}: the turn continues, and the conversation is complete`, async (t) => {
    const stage = await StreamStage.open(t, { agentIdleTimeoutMs: 0 });
    const ann = await StreamPerson.join(t, stage.stream, "ann");
    const greeting = story(storySeconds);
    const session = await stage.session({ greeting, transcripts: ["What was that?"] });
    const log = new SessionLog(session);
    await ann.hears("agent", 25);
    const since = now();
    happen(stage);
    await settled(stage);
    const back = now();
    await log.turnsOver(1);
    const silentMs = Math.round(ann.longestGapMs("agent", since));
    t.log(`back after ${Math.round(back - since)} ms; longest silence in all ${silentMs} ms`);
    check(t, stage);
    await ann.say(testing.tone(400, 600));
    await log.turnsOver(2);
    t.deepEqual(log.outcomes, ["done", "done"]);
    t.deepEqual(log.transcript, [
      `agent: ${greeting}`,
      "ann: What was that?",
      `agent: agent: ${greeting.length} characters, participant: What was that?`,
    ]);
    // The SFU waits for a second for who has no session any more.
    if (title !== "a session that the SFU forgot" || back - since < 500)
      t.deepEqual(ann.caller.log.of("participant_left"), []);
    t.is(session.state, "live");
    await stage.launcher.closeSession(session.id, { wait: true });
    t.deepEqual(
      stage.call.participants.map(({ userId }) => userId),
      ["ann"],
    );
  });
}

test.serial("where the SFU is full as the agent joins, it joins another one", async (t) => {
  const stage = await StreamStage.open(t);
  stage.stream.edges[0]!.full = true;
  const session = await stage.session();
  t.is(agentOf(stage).connection?.edge.name, "sfu-2");
  await stage.launcher.closeSession(session.id, { wait: true });
  t.deepEqual(stage.call.participants, []);
});

/** Open files and sockets of this process, in all its threads, and the threads themselves. */
function holdings(): { readonly files: number; readonly threads: number } {
  const count = (folder: string) => {
    try {
      return readdirSync(`/proc/self/${folder}`).length;
    } catch {
      return 0;
    }
  };
  return { files: count("fd"), threads: count("task") };
}

const calls = 50;

test.serial(`${calls} calls, each with its fault, leave no socket and no thread behind`, async (t) => {
  t.timeout(300_000);
  const before = holdings();
  const stage = await StreamStage.open(t, { maxConcurrentSessions: 4 });
  const { stream, launcher } = stage;
  const shapes = ["none", "socket", "forget", "go_away"] as const;
  for (let count = 0; count < calls; count += 1) {
    const callId = `call-${count}`;
    const session = await launcher.startSession({ callId });
    await reached(session, "live");
    const call = stream.call(`default:${callId}`);
    const shape = shapes[count % shapes.length];
    const joined = () => stream.log.of("joined").length;
    const joins = joined();
    if (shape === "go_away") call.participant("agent").goAway();
    else if (shape !== "none") call.participant("agent").killSocket({ forget: shape === "forget" });
    if (shape !== "none") await until(() => joined() > joins, "another join");
    await launcher.closeSession(session.id, { wait: true });
    t.is(session.endReason, "closed");
    t.deepEqual(call.participants, []);
  }
  for (const { sockets, connections } of stream.edges) t.is(sockets.size + connections.size, 0);
  await launcher.stop();
  await until(() => stream.connections === 0, "the end of all connections");
  await stream.close();
  await until(
    () => holdings().files <= before.files && holdings().threads <= before.threads,
    `${JSON.stringify(holdings())} to become ${JSON.stringify(before)}`,
  ).catch((error) => t.fail(`${error.message}; ${JSON.stringify(holdings())}`));
});
