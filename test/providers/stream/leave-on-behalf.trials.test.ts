import test, { type ExecutionContext } from "ava";
import type { AgentLauncher, EndReason, JsonObject, Session } from "greenroom";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import type { SfuAddress } from "../../../src/providers/stream/call/call-connection-event.ts";
import { GuestTokens } from "../../../src/providers/stream/coordinator/guest-tokens.ts";
import { backdatedSeconds } from "../../../src/providers/stream/coordinator/stream-clock.ts";
import { Edge } from "../../../src/providers/stream/edge.ts";
import { leave } from "../../../src/providers/stream/leave-module.ts";
import { fillOptions } from "../../../src/providers/stream/options.ts";
import { readToken } from "../../emulators/stream/coordinator/token.ts";
import { type StreamEmulator, startStream } from "../../emulators/stream.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openServer } from "../../fixtures/http/open-server.ts";
import { launch } from "../../fixtures/launch.ts";
import { reached } from "../../fixtures/session-watch.ts";
import { joinTestCall } from "../../fixtures/stream/caller.ts";
import { inLongForm, trials } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

/** The times by which nobody goes by a deadline here: whoever is gone has been taken away. */
const forever = { fastReconnectDeadlineSeconds: 3_600, signalTimeoutMs: 3_600_000 };

interface Stage {
  readonly stream: StreamEmulator;
  readonly launcher: AgentLauncher;
  session(config?: JsonObject): Promise<Session>;
}

async function open(t: ExecutionContext, unresponsiveAfterMs = 30_000): Promise<Stage> {
  const stream = await startStream({ rules: forever });
  t.teardown(() => stream.close());
  const agentEnvironment = { ...process.env, ...stream.environment } as Record<string, string>;
  const launcher = await launch(t, "calls/stream", {
    agentEnvironment,
    unresponsiveAfterMs,
    crashStormLimit: 0,
  });
  const session = async (config: JsonObject = {}) => {
    const session = await launcher.startSession({ callId: "c1", config });
    await reached(session, "live");
    return session;
  };
  return { stream, launcher, session };
}

const present = (stream: StreamEmulator) =>
  stream.call("default:c1").participants.map(({ userId }) => userId);

for (const [fault, reason] of trials<readonly (readonly ["exit" | "spin", EndReason])[]>(
  [["exit", "crashed"]],
  [
    ["exit", "crashed"],
    ["spin", "unresponsive"],
  ],
)) {
  test.serial(`where a thread ends as ${reason}, the others see the agent leave at once`, async (t) => {
    const { stream, launcher, session } = await open(t, fault === "spin" ? 1_000 : undefined);
    const ada = await joinTestCall(t, stream, "ada");
    const dying = await session({ fault });
    await dying.ended;
    t.is(dying.endReason, reason);
    t.is((await ada.log.seen("participant_left")).participant.id, "agent");
    await launcher.stop();
    t.deepEqual(present(stream), ["ada"]);
    t.is((await stream.log.seen("leave")).reason, "the agent's thread died");
  });
}

const deaths = 50;

longForm(
  `no killed thread leaves a participant, a socket or a leave under way, ${deaths} in a row`,
  async (t) => {
    t.timeout(300_000);
    const { stream, launcher, session } = await open(t);
    for (let killed = 0; killed < deaths; killed += 1) {
      const dying = await session({ fault: "exit" });
      await dying.ended;
      t.is(dying.endReason, "crashed");
    }
    await eventually("nobody is there", () => present(stream).length === 0);
    t.is(stream.log.of("leave").length, deaths);
    t.deepEqual(stream.call("default:c1").ghosts, []);
    await launcher.stop();
    await eventually("every socket is closed", () => stream.edges.every(({ sockets }) => sockets.size === 0));
    const text = await (await supervisorOf(launcher)).metrics.text();
    t.regex(text, new RegExp(`^greenroom_farewells_total\\{outcome="done"\\} ${deaths}$`, "m"));
  },
);

test.serial("nobody leaves again on behalf of an agent that left by itself", async (t) => {
  const { stream, launcher, session } = await open(t);
  const { id } = await session();
  await launcher.closeSession(id, { wait: true });
  await launcher.stop();
  t.deepEqual(present(stream), []);
  t.is(stream.log.of("leave").length, 1);
});

test.serial("leaving a call without the agent in it has no effect; it can be aborted", async (t) => {
  const stream = await startStream({ rules: forever });
  t.teardown(() => stream.close());
  const { connection } = await joinTestCall(t, stream, "ada");
  const data = { ...(connection.address as SfuAddress) } as unknown as JsonObject;
  const signal = new AbortController().signal;
  await connection.leave();
  await eventually("nobody is there", () => present(stream).length === 0);
  await t.notThrowsAsync(leave(data, { signal }));
  t.deepEqual(present(stream), []);

  stream.faults.joins.push({ delayMs: 60_000 });
  const over = new AbortController();
  const leaving = leave(data, { signal: over.signal });
  setImmediate(() => over.abort());
  await t.throwsAsync(leaving, { name: "StreamError" });

  const { websocketUrl: _, ...nowhere } = data;
  for (const wrong of [
    {},
    nowhere,
    { ...data, websocketUrl: "file:///etc/passwd" },
    { ...data, token: { a: 1 } },
    { ...data, codecs: null },
    { ...data, userId: "x".repeat(1_000_000) },
  ]) {
    await t.throwsAsync(leave(wrong, { signal }), { message: /not those of a session on Stream/ });
  }
});

test.serial("a join token lets a new guest into that call, for the time that was asked for", async (t) => {
  const { stream, launcher, session } = await open(t);
  const { id } = await session();
  const { ask } = await openServer(t, launcher);
  const { status, body } = await ask(`/sessions/${id}/join-token`, { json: { expires_in_seconds: 120 } });
  t.is(status, 200);
  t.is(body.api_key, stream.apiKey);
  const claims = readToken(body.token, stream.apiSecret);
  if (typeof claims === "string") return t.fail(claims);
  t.like(claims, { user_id: body.user_id, call_cids: ["default:c1"] });
  t.is(Number(claims.exp) - Number(claims.iat), 120 + backdatedSeconds);
  t.true(Math.abs(Number(claims.exp) * 1_000 - Date.parse(body.expires_at)) < 30_000);
  const users = () => stream.log.of("request").filter(({ path }) => path === "/users");
  const made = (users().at(-1)?.body as { users: object } | undefined)?.users ?? {};
  t.deepEqual(Object.keys(made), [body.user_id]);

  // Somebody of the application's own stays as they are.
  const before = users().length;
  const named = await ask(`/sessions/${id}/join-token`, { json: { user_id: "ann", user_name: "Ann" } });
  t.is(named.status, 200);
  t.is(users().length, before);
  const taken = await ask(`/sessions/${id}/join-token`, { json: { user_id: "agent" } });
  t.is(taken.status, 422);
});

test("a demo link opens Stream's own application in that call, or the one that is configured", async (t) => {
  const keys = { apiKey: "key", apiSecret: "secret" };
  const asked: unknown[] = [];
  const coordinator = {
    upsertUser: async (user: object) => void asked.push(user),
    userToken: async (request: object) => {
      asked.push(request);
      return "a.b.c";
    },
  };
  const guest = { id: "guest-1", name: "You & me", madeUp: true };
  const { signal } = new AbortController();
  const link = (options: object, callType: string) => {
    const filled = fillOptions({ ...keys, ...options });
    const call = { callType, callId: "a/b" };
    return new GuestTokens(filled, coordinator).demoLink(call, { guest, signal }, String(filled.demoUrl));
  };
  const url = new URL(await link({}, "default"));
  t.is(url.origin + url.pathname, "https://getstream.io/video/demos/join/a%2Fb");
  t.deepEqual(Object.fromEntries(url.searchParams), {
    api_key: "key",
    token: "a.b.c",
    skip_lobby: "true",
    user_id: "guest-1",
    user_name: "You & me",
  });
  t.deepEqual(asked, [
    { id: "guest-1", name: "You & me" },
    { userId: "guest-1", lifetimeSeconds: 3_600 },
  ]);
  const own = new URL(await link({ demoUrl: "http://localhost:3000/demo/" }, "support"));
  t.is(own.origin + own.pathname, "http://localhost:3000/demo/join/a%2Fb");
  t.is(own.searchParams.get("type"), "support");
  t.throws(() => fillOptions({ ...keys, demoUrl: "demo" }), { message: /demoUrl must be/ });
});

test("beside an emulator there is a demo link only where a page is named", (t) => {
  const keys = { apiKey: "key", apiSecret: "secret" };
  const emulator = { ...keys, baseUrl: "http://127.0.0.1:1" };
  t.is(typeof new Edge(keys).demoLink, "function");
  t.is(new Edge(emulator).demoLink, undefined);
  t.is(typeof new Edge({ ...emulator, demoUrl: "http://127.0.0.1:2" }).demoLink, "function");
});
