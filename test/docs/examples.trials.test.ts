import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Agent, type AgentLauncher, type ServeOptions } from "greenroom";
import * as testing from "greenroom/testing";
import { SignJWT } from "jose";
import { attachAgent } from "../../src/agent/agent.ts";
import { noHost } from "../../src/agent/host.ts";
import { writeWav } from "../../src/audio/wav.ts";
import { openaiDelays, startOpenai } from "../emulators/openai.ts";
import { eventually } from "../fixtures/eventually.ts";
import { listen, openServer } from "../fixtures/http/open-server.ts";
import { Child } from "../fixtures/runner/child.ts";
import { inLongForm } from "../fixtures/trials.ts";
import { spoken } from "../fixtures/voice/spoken.ts";

const longForm = inLongForm(test.serial);

interface Example {
  readonly launcher: AgentLauncher;
  readonly options: ServeOptions;
}

const keys = { ann: "a".repeat(20), bob: "b".repeat(20) };
const secret = "a secret of at least 32 characters";
const as = (name: keyof typeof keys) => ({ headers: { authorization: `Bearer ${keys[name]}` } });
const start = (call_id: string, rest = {}) => ({ json: { call_id, ...rest } });

/** Other tests may keep this machine busy. */
const quietly = {
  ignoreLoad: true,
  threadWaitTimeoutMs: 60_000,
  threadStartTimeoutMs: 60_000,
  warmSessions: 0,
  localStt: false,
  logLevel: "silent",
  agentsLogLevel: "silent",
} as const;

test.before(() => {
  process.env.GREENROOM_API_KEYS = `ann:${keys.ann},bob:${keys.bob}`;
  process.env.JWT_SECRET = secret;
});

/** Serves the very file that a page shows. */
async function serve(t: ExecutionContext, example: Example) {
  const { launcher, options } = example;
  launcher.override(quietly);
  await launcher.start();
  t.teardown(() => launcher.stop());
  return openServer(t, launcher, options);
}

test.serial("api-key.ts: who has a key may call, and its name is created_by", async (t) => {
  const { ask } = await serve(t, await import("../../examples/api-key.ts"));
  t.is((await ask("/sessions", start("c"))).status, 401);
  const started = await ask("/sessions", { ...start("c"), ...as("ann") });
  t.is(started.status, 201);
  const { session_id, session_token } = started.body;
  t.is((await ask(`/sessions/${session_id}`, as("bob"))).body.created_by, "ann");
  t.is((await ask(`/sessions/${session_id}`)).status, 401);
  t.is((await ask(`/sessions/${session_id}?token=${session_token}`)).status, 200);
});

test.serial(
  "jwt-database.ts: the token says who, the database what they may, and connections go back",
  async (t) => {
    const example = await import("../../examples/jwt-database.ts");
    const { ask } = await serve(t, example);
    const token = async (sub: string, audience = "greenroom") => {
      const signed = new SignJWT().setProtectedHeader({ alg: "HS256" }).setSubject(sub).setAudience(audience);
      const jwt = await signed.setExpirationTime("1m").sign(new TextEncoder().encode(secret));
      return { headers: { authorization: `Bearer ${jwt}` } };
    };
    const started = await ask("/sessions", { ...start("c"), ...(await token("u1")) });
    t.is(started.status, 201);
    const shown = await ask(`/sessions/${started.body.session_id}`, await token("u2"));
    t.deepEqual(shown.body.created_by, { id: "u1", name: "Ann", plan: "pro" });
    const free = await ask("/sessions", { ...start("c"), ...(await token("u2")) });
    t.deepEqual([free.status, free.body], [403, { detail: "Agents are part of the pro plan", code: "PLAN" }]);
    t.is((await ask("/sessions", await token("gone"))).body.detail, "This account is closed");
    t.is((await ask("/sessions", await token("u1", "billing"))).status, 401);
    t.is((await ask("/sessions")).status, 401);
    t.is(example.database.connections, 0);
  },
);

test.serial("own-sessions.ts: everybody's sessions are their own", async (t) => {
  const { ask } = await serve(t, await import("../../examples/own-sessions.ts"));
  const { body: hers } = await ask("/sessions", { ...start("c"), ...as("ann") });
  const { body: his } = await ask("/sessions", { ...start("c"), ...as("bob") });
  const path = `/sessions/${hers.session_id}`;
  const listed = async (name: keyof typeof keys) =>
    (await ask("/sessions", as(name))).body.sessions.map(
      (session: { session_id: string }) => session.session_id,
    );
  t.deepEqual(await listed("ann"), [hers.session_id]);
  t.deepEqual(await listed("bob"), [his.session_id]);
  for (const request of [{}, { method: "DELETE" }]) {
    t.is((await ask(path, { ...request, ...as("bob") })).status, 404);
  }
  t.is((await ask(`${path}/metrics`, as("bob"))).status, 404);
  t.is((await ask(`${path}/messages`, { json: { text: "hello" }, ...as("bob") })).status, 404);
  t.is((await ask(`${path}/messages`, { json: { text: "hello" }, ...as("ann") })).status, 202);
  t.is((await ask(`${path}?wait=true`, { method: "DELETE", ...as("ann") })).status, 204);
  t.is((await ask(path, as("ann"))).body.end_reason, "closed");
  t.deepEqual(Object.keys((await ask(path, as("bob"))).body), ["detail", "code"]);
});

test.serial("quota.ts: two agents at a time for each user, with a config that is valid", async (t) => {
  const { ask } = await serve(t, await import("../../examples/quota.ts"));
  const first = await ask("/sessions", { ...start("c", { config: { language: "de" } }), ...as("ann") });
  t.is((await ask("/sessions", { ...start("c"), ...as("ann") })).status, 201);
  const third = await ask("/sessions", { ...start("c"), ...as("ann") });
  t.deepEqual(
    [third.status, third.body],
    [429, { detail: "You have 2 agents in calls already", code: "QUOTA" }],
  );
  t.truthy(third.headers.get("retry-after"));
  t.is((await ask("/sessions", { ...start("c"), ...as("bob") })).status, 201);
  await ask(`/sessions/${first.body.session_id}?wait=true`, { method: "DELETE", ...as("ann") });
  t.is((await ask("/sessions", { ...start("c"), ...as("ann") })).status, 201);
  const wrong = await ask("/sessions", { ...start("c", { config: { language: "xx" } }), ...as("bob") });
  t.is(wrong.status, 422);
  t.deepEqual(wrong.body.detail[0].loc, ["config", "language"]);
});

longForm("compatible-agent.ts: a spoken question is heard, answered and spoken by one server", async (t) => {
  await using openai = await startOpenai({
    delays: openaiDelays.none,
    apiKey: null,
    models: ["qwen3", "whisper-1", "tts-1"],
  });
  openai.transcribe = () => "Hello there!";
  const folder = mkdtempSync(join(tmpdir(), "greenroom-example-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [wav, out] = [join(folder, "question.wav"), join(folder, "reply.wav")];
  await writeWav(wav, await spoken("Hello there!"));
  const example = join(import.meta.dirname, "../../examples/compatible-agent.ts");
  const child = new Child(t, [example, "run", "--wav", wav, "--out", out], {
    env: { SERVER_URL: openai.url },
  });
  t.is((await child.exit).code, 0, child.stderr);
  t.regex(child.stdout, /Hello there!/);
  t.regex(child.stdout, /I stand in for a service on this machine/);
  const paths = new Set(openai.log.of("request").map(({ path }) => String(path)));
  t.deepEqual([...paths].toSorted(), [
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/chat/completions",
  ]);
  t.true(existsSync(out));
});

test.serial("carrier.ts: a call whose webhook is signed has a session, and no other", async (t) => {
  process.env.CARRIER_SECRET = secret;
  const { ask } = await serve(t, await import("../../examples/carrier.ts"));
  const path = "/phone/carrier/voice";
  const body = "CallId=CA1&From=%2B15550100";
  const call = (signature: string) =>
    ask(path, { method: "POST", body, headers: { "x-carrier-signature": signature } });
  const right = createHmac("sha256", secret).update(`https://agents.example.com${path}${body}`).digest("hex");
  t.is((await call("")).status, 403);
  const { status, text } = await call(right);
  t.is(status, 200);
  t.regex(text, /<Stream url="wss:\/\/agents\.example\.com\/phone\/carrier\/media\/[\da-f-]{36}"\/>/);
  t.is((await ask("/sessions", start("c"))).status, 401);
});

test.serial("own-app.ts: an application serves the API, and what else it does", async (t) => {
  const { launcher, app } = await import("../../examples/own-app.ts");
  launcher.override(quietly);
  await launcher.start();
  t.teardown(() => launcher.stop());
  const { ask } = await listen(t, app.callback() as RequestListener);
  t.is((await ask("/sessions", start("c"))).status, 401);
  t.is((await ask("/sessions", { ...start("c"), ...as("ann") })).status, 201);
  t.is((await ask("/hello")).text, "This is what else your application does.");
});

test.serial("fastify.ts: what is below its path goes to the API before a body is read", async (t) => {
  const { serveAgents } = await import("../../examples/fastify.ts");
  type Hook = Parameters<Parameters<typeof serveAgents>[0]["addHook"]>[1];
  const hooks: Hook[] = [];
  let hijacked = 0;
  const api: RequestListener = (request, response) => response.end(`api ${request.url}`);
  serveAgents({ addHook: (_, hook) => hooks.push(hook) }, api);
  const listener: RequestListener = (request, response) => {
    const reply = { hijack: () => (hijacked += 1), raw: response };
    hooks[0]!({ url: request.url ?? "", raw: request }, reply, () => response.end("fastify"));
  };
  const server = createServer(listener).listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const read = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  t.is(await read("/agents/sessions?limit=1"), "api /sessions?limit=1");
  t.is(await read("/other"), "fastify");
  t.is(hijacked, 1);
});

test.serial("silent-caller.ts: a silent caller is asked twice, then the agent leaves", async (t) => {
  const { askWhoIsSilent } = await import("../../examples/silent-caller.ts");
  const edge = new testing.Edge({ speed: 10 });
  const tts = new testing.TTS();
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    instructions: "",
    llm: new testing.LLM(),
    stt: new testing.STT(),
    tts,
    userSilentAfterMs: 20,
  });
  askWhoIsSilent(agent);
  edge.addParticipant("alice");
  await using _ = await agent.join(await agent.createCall("default", "call-1"));
  await agent.finish();
  t.deepEqual(
    tts.spoken.map(({ text }) => text),
    ["Are you still there?", "Are you still there?"],
  );
});

test.serial("agent.test.ts: the tests of an agent pass, and end by themselves", async (t) => {
  const child = new Child(t, ["--test", join(import.meta.dirname, "../../examples/agent.test.ts")]);
  const { code } = await child.exit;
  t.is(code, 0, child.stdout);
  t.regex(child.stdout, /^. pass 2$/m);
});

test.serial("roles.ts: the receptionist hands over to billing, which finds the bill", async (t) => {
  const { createReception } = await import("../../examples/roles.ts");
  const llm = new testing.LLM({
    replies: [
      [{ call: "connect_billing" }],
      "What is the number of the bill?",
      [{ call: "find_bill", arguments: { number: "A7" } }],
      "It is paid.",
    ],
  });
  const agent = createReception(llm);
  t.teardown(() => agent.close());
  await agent.join(await agent.createCall("default", "c1"), { participantWaitTimeoutMs: null });
  await agent.simpleResponse("Is my bill paid?");
  await eventually("billing has asked", () => llm.requests.length === 2);
  t.is(agent.role, "billing");
  await agent.simpleResponse("A7");
  t.is(agent.data.get("bill"), "A7");
});

test.serial("caller-data.ts: the caller is greeted by name, and what they order is noted", async (t) => {
  const { default: definition } = await import("../../examples/caller-data.ts");
  const session = { callType: "default", callId: "c1", sessionId: "s1", resumed: null };
  const context = { ...session, config: { name: "Ann" }, signal: new AbortController().signal };
  const agent = await definition.createAgent(context);
  const { message } = attachAgent(agent, noHost);
  const said: (string | undefined)[] = [];
  agent.subscribe((event) => {
    if (event.type !== "transcript" || event.role !== "agent" || !event.final) return;
    said.push(event.text);
    if (said.length === 2) void agent.close();
    else message({ messageId: "m1", participantId: "ann", text: 'Note the order "bread"' });
  });
  await definition.joinCall(agent, context);
  t.deepEqual(said, ["Hello Ann, what would you like?", "Noted for Ann."]);
  t.deepEqual(agent.data.get("orders"), ["bread"]);
});

test.serial("known-caller.ts: a call begins with what is known", async (t) => {
  const { remember } = await import("../../examples/known-caller.ts");
  const llm = new testing.LLM();
  const agent = new Agent({
    edge: new testing.Edge(),
    agentUser: { id: "agent", name: "Agent" },
    instructions: "",
    llm,
  });
  t.teardown(() => agent.close());
  remember(agent);
  await agent.join(await agent.createCall("default", "c1"), { participantWaitTimeoutMs: null });
  await agent.simpleResponse("When will it be there?");
  t.deepEqual(
    llm.requests[0]?.messages.map(({ role }) => role),
    ["participant", "agent", "instruction"],
  );
});

test.serial("guards.ts: card numbers are not heard, and a service judges what is said", async (t) => {
  const { moderated, noCards } = await import("../../examples/guards.ts");
  const judged: unknown[] = [];
  const { url } = await listen(t, (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const { text } = JSON.parse(body) as { text: string };
      judged.push(text);
      response.end(JSON.stringify(text.includes("insult") ? { reason: "insult" } : {}));
    });
  });
  const llm = new testing.LLM({ replies: ["Hello. This is an insult."] });
  const agent = new Agent({
    edge: new testing.Edge({ sound: false }),
    agentUser: { id: "agent", name: "Agent" },
    instructions: "",
    llm,
    guards: [noCards, moderated(url)],
  });
  t.teardown(() => agent.close());
  const blocked: unknown[] = [];
  agent.subscribe((event) => event.type === "blocked" && blocked.push(event.reason));
  await agent.join(await agent.createCall("default", "c1"), { participantWaitTimeoutMs: null });
  await agent.simpleResponse("Greet");
  t.deepEqual(judged.map(String), ["Hello.", " This is an insult."]);
  t.deepEqual(blocked, ["insult"]);
  t.deepEqual(
    noCards.heard?.({ text: "4111 1111 1111 1111", participantId: "ann" }, new AbortController().signal),
    { reason: "payment_card" },
  );
});
