import { createClient } from "@redis/client";
import test from "ava";
import { MemoryRegistry } from "../../src/registry/memory.ts";
import { registryOf } from "../../src/runner/options/fleet-settings.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { program } from "../fixtures/runner/child.ts";
import { ask } from "../fixtures/runner/rest.ts";
import { inLongForm } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const withRedis = needs("redis-server", test.serial);
/** Takes the password away, which the server was started with: any is right then. */
async function unprotect(port: number): Promise<void> {
  const client = createClient({ url: `redis://:secret@127.0.0.1:${port}` });
  await client.connect();
  await client.sendCommand(["ACL", "SETUSER", "default", "nopass"]);
  client.destroy();
}

test("what is set outside of the code completes it, and an address replaces that of the code", (t) => {
  t.deepEqual(registryOf({}, undefined, false), {});
  t.deepEqual(registryOf({ url: "redis://a" }, undefined, false), { registry: { url: "redis://a" } });
  const settings = { url: "redis://a", whileAway: "refuse", maxConcurrentSessions: null } as const;
  t.deepEqual(
    registryOf(settings, { url: "redis://b", keyPrefix: "p", maxConcurrentSessions: 3 }, undefined),
    { registry: { url: "redis://a", keyPrefix: "p", whileAway: "refuse", maxConcurrentSessions: null } },
  );
  t.deepEqual(registryOf({ url: "redis://a" }, undefined, true), {
    registry: { url: "redis://a", contactTimeoutMs: 60_000 },
  });
  t.deepEqual(registryOf({ contactTimeoutMs: 5 }, { url: "redis://b" }, true), {
    registry: { url: "redis://b", contactTimeoutMs: 5 },
  });
});

test("a registry of the code's own stays; settings of a Redis that there is none of are refused", (t) => {
  t.deepEqual(registryOf({ url: "redis://a" }, new MemoryRegistry(), false), {});
  t.throws(() => registryOf({ leaseMs: 5_000 }, undefined, false), {
    message: "--registry-lease-ms needs a Redis: set GREENROOM_REDIS_URL or REDIS_URL",
  });
  t.throws(() => registryOf({ maxConcurrentSessions: 5 }, new MemoryRegistry(), false), {
    message: /^--max-fleet-sessions needs a Redis: .*of its own/,
  });
});

withRedis("REDIS_URL makes a server take part in a fleet", async (t) => {
  const redis = await openRedis(t);
  const env = {
    REDIS_URL: redis.url,
    GREENROOM_NODE_ID: "replica-a",
    GREENROOM_ADVERTISED_ADDRESS: "http://127.0.0.1:1",
    GREENROOM_REGISTRY_KEY_PREFIX: "mine",
    GREENROOM_PEER_SECRET: "0123456789abcdef0123456789abcdef",
  };
  const child = program(t, ["serve"], { env });
  const url = await child.readyUrl();
  await eventually("the registry is up", async () =>
    /^greenroom_registry_up 1$/m.test((await ask(url, "/metrics")).body),
  );
  await eventually("it says that it accepts starts", async () => {
    const states = (await redis.command("HGETALL", "{mine}:states")) as string[];
    return (
      states.length === 2 &&
      /^replica-a#\d+$/.test(states[0] ?? "") &&
      JSON.parse(states[1]!).accepting === true
    );
  });
  const [, state] = (await redis.command("HGETALL", "{mine}:states")) as [string, string];
  t.is(JSON.parse(state).address, "http://127.0.0.1:1");
});

longForm("what has no effect without Redis is warned of", async (t) => {
  const env = { GREENROOM_PEER_SECRET: "0123456789abcdef0123456789abcdef" };
  const child = program(t, ["serve", "--advertised-address", "http://127.0.0.1:1"], { env });
  await child.readyUrl();
  const [line, ...more] = child.log.filter(({ msg }) => /GREENROOM_PEER_SECRET/.test(msg));
  t.is(more.length, 0);
  t.is(line?.level, 40);
  t.regex(line!.msg, /REDIS_URL.*GREENROOM_PEER_SECRET.* and --advertised-address .* have no effect/);
});

withRedis(
  "a Redis that cannot be used at the start is one line, and the fleet is joined once it can be",
  async (t) => {
    const redis = await openRedis(t, { args: ["--requirepass", "secret"] });
    const place = `127.0.0.1:${redis.port}`;
    const env = {
      REDIS_URL: `redis://default:wrong-password@${place}`,
      GREENROOM_PEER_SECRET: "0123456789abcdef0123456789abcdef",
      GREENROOM_REGISTRY_COMMAND_TIMEOUT_MS: "5000",
    };
    const child = program(t, ["serve", "--advertised-address", "http://127.0.0.1:1"], { env });
    await child.readyUrl();
    const [line, ...more] = child.log.filter(({ level }) => level === 50);
    t.is(more.length, 0);
    t.true(line?.msg.startsWith(`Redis ${place}: WRONGPASS`), line?.msg);
    t.true(
      line?.msg.endsWith("; serving alone, starts are accepted (--registry-while-away allow)"),
      line?.msg,
    );
    t.notRegex(child.stdout, /wrong-password|fleet_joined/);
    await unprotect(redis.port);
    await child.logged("fleet_joined");
  },
);

longForm("a fleet may be demanded", async (t) => {
  const alone = program(t, ["serve"], { env: { GREENROOM_REQUIRE_PEERS: "true" } });
  t.is((await alone.exit).code, 2);
  t.regex(alone.stderr, /REDIS_URL, GREENROOM_PEER_SECRET, GREENROOM_ADVERTISED_ADDRESS are not set/);
  t.regex(alone.log.at(-1)?.msg ?? "", /^--require-peers: REDIS_URL/);
  const env = {
    GREENROOM_REQUIRE_PEERS: "true",
    REDIS_URL: "redis://127.0.0.1:1",
    GREENROOM_PEER_SECRET: "0123456789abcdef0123456789abcdef",
  };
  const unaddressed = program(t, ["serve"], { env });
  t.is((await unaddressed.exit).code, 2);
  t.regex(unaddressed.stderr, /GREENROOM_ADVERTISED_ADDRESS is not set/);
  const whole = program(t, ["serve", "--advertised-address", "http://127.0.0.1:1"], { env });
  const url = await whole.url();
  await whole.logged(/^Redis 127\.0\.0\.1:1: .*; nothing is served before it answers$/);
  await eventually("it says what it waits for", async () => {
    const { status, body } = await ask(url, "/serving");
    return status === 400 && body.code === "REGISTRY_UNAVAILABLE";
  });
  t.is((await ask(url, "/sessions", { call_id: "x" })).status, 503);
  t.is((await ask(url, "/health")).status, 200);
  whole.kill("SIGTERM");
  t.deepEqual(await whole.exit, { code: 0, signal: null });
});
