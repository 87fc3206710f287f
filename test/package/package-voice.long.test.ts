import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";
import type { AgentLauncher } from "greenroom";
import type * as testing from "greenroom/testing";
import { startStream } from "../emulators/stream.ts";
import { build, root } from "../fixtures/build.ts";
import { eventOf } from "../fixtures/session-watch.ts";
import { testCall } from "../fixtures/stream/caller.ts";
import { StreamPerson } from "../fixtures/stream/person.ts";
import { startServices } from "../fixtures/voice/voice-stage.ts";

/** The folder of the package. It is below node_modules, where it finds its dependencies as if it were installed. */
const packed = mkdtempSync(join(root, "node_modules/.packed-"));

test.before("pack", () => build(packed));

test.after.always("clean up", () => rmSync(packed, { recursive: true, force: true }));

test("the packed SDKs, each one file, take a spoken call", async (t) => {
  const services = await startServices(t, "none");
  const { gemini, deepgram, elevenlabs } = services;
  deepgram.script.phrases = ["What is the weather like in Amsterdam today?"];
  gemini.faults.add({ kind: "status", status: 503 });
  elevenlabs.faults.push({ status: 429, code: "system_busy" });

  const { AgentLauncher: Packed } = (await import(pathToFileURL(join(packed, "src/index.js")).href)) as {
    readonly AgentLauncher: typeof AgentLauncher;
  };
  const { dial, tone } = (await import(
    pathToFileURL(join(packed, "src/testing/index.js")).href
  )) as typeof testing;
  const launcher = new Packed({
    agent: pathToFileURL(join(packed, "workers/default-agent.js")),
    maxConcurrentSessions: 1,
    warmSessions: 1,
    // Other tests may keep this machine busy.
    ignoreLoad: true,
    threadWaitTimeoutMs: 60_000,
    logLevel: "silent",
    agentsLogLevel: "silent",
    agentEnvironment: Object.assign(
      { ...process.env, WEATHER_API_URL: "offline" },
      ...Object.values(services).map(({ environment }) => environment),
    ),
  });
  t.teardown(() => launcher.stop());
  await launcher.start();
  const session = await launcher.startSession({ callId: "packed", inMemory: { speed: 4 } });
  const line = await dial(session.id);
  t.teardown(() => line.close());
  await line.joined;
  const turns: string[] = [];
  session.events.subscribe(0, ({ event }) => {
    if (event.type === "turn") turns.push(event.outcome);
  });
  await eventOf(session, (event) => event.type === "turn");
  await line.addParticipant("caller").play(tone(400, 500));
  const answer = await eventOf(
    session,
    (event) =>
      event.type === "transcript" && event.role === "agent" && event.final && /Amsterdam/.test(event.text!),
  );
  t.is(answer.type, "transcript");
  t.deepEqual(turns, ["done"]);
  t.true(line.recording.durationMs > 1_000);
});

/** An agent of the package that greets whoever is in the call. */
const streamAgent = `
import { Agent, defineAgent } from "./src/index.js";
import * as stream from "./src/providers/stream/index.js";
import * as testing from "./src/testing/index.js";

export default defineAgent({
  createAgent: () =>
    new Agent({
      edge: new stream.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new testing.LLM(),
      tts: new testing.TTS({ sampleRate: 24_000 }),
    }),
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    void agent.say("I have so much to tell you about my day. ".repeat(5));
    await agent.finish();
  },
});
`;

test("the packed media joins a call on Stream, and the agent is heard there", async (t) => {
  await using stream = await startStream();
  const file = join(packed, "stream-agent.js");
  writeFileSync(file, streamAgent);
  const { AgentLauncher: Packed } = (await import(pathToFileURL(join(packed, "src/index.js")).href)) as {
    readonly AgentLauncher: typeof AgentLauncher;
  };
  const launcher = new Packed({
    agent: pathToFileURL(file),
    maxConcurrentSessions: 1,
    warmSessions: 1,
    // Other tests may keep this machine busy.
    ignoreLoad: true,
    threadWaitTimeoutMs: 60_000,
    logLevel: "silent",
    agentsLogLevel: "silent",
    agentEnvironment: { ...process.env, ...stream.environment } as Record<string, string>,
  });
  t.teardown(() => launcher.stop());
  await launcher.start();
  const ann = await StreamPerson.join(t, stream, "ann");
  const session = await launcher.startSession({ callId: testCall.callId });
  await ann.hears("agent", 20);
  await launcher.closeSession(session.id, { wait: true });
  t.is((await ann.caller.log.seen("participant_left")).participant.id, "agent");
});

test("Stream's SDK is a dependency, and no part of the package", (t) => {
  const manifest = JSON.parse(readFileSync(join(packed, "package.json"), "utf8"));
  t.truthy(manifest.dependencies["@stream-io/node-sdk"]);
  t.deepEqual(
    Object.keys(manifest.dependencies).filter((name) => name.startsWith("@stream-io/")),
    ["@stream-io/node-sdk"],
  );
  t.false(readFileSync(join(packed, "src/providers/sdk-licenses.txt"), "utf8").includes("stream-io"));
  const naming = globSync("**/*.js", { cwd: packed }).filter((path) =>
    readFileSync(join(packed, path), "utf8").includes("@stream-io/"),
  );
  t.is(naming.length, 1);
  t.regex(readFileSync(join(packed, naming[0]!), "utf8"), /import\("@stream-io\/node-sdk"\)/);
});

test("whoever gets the SDKs with the package gets their licences", (t) => {
  const licenses = readFileSync(join(packed, "src/providers/sdk-licenses.txt"), "utf8");
  for (const name of [
    "@google/genai",
    "@deepgram/sdk",
    "ws",
    "elevenlabs",
    "werift",
    "@modelcontextprotocol/sdk",
  ]) {
    t.regex(licenses, new RegExp(`^${name} v?\\d`, "m"));
  }
  t.false(licenses.includes("undefined"));
  // What no session uses stays out.
  t.notRegex(licenses, /^google-auth-library /m);
  t.deepEqual(globSync("src/**/sdk-bundle.js", { cwd: packed }).map(dirname).toSorted(), [
    "src/media",
    ...["deepgram", "elevenlabs", "gemini", "local", "mcp", "stream", "web-socket"].map(
      (name) => `src/providers/${name}`,
    ),
  ]);
  t.false(existsSync(join(packed, "sdk-sources")));
});
