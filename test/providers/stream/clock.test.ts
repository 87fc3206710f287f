import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { Coordinator } from "../../../src/providers/stream/coordinator/coordinator.ts";
import { backdatedSeconds } from "../../../src/providers/stream/coordinator/stream-clock.ts";
import { StreamError } from "../../../src/providers/stream/error.ts";
import { fillOptions, type StreamOptions } from "../../../src/providers/stream/options.ts";
import { type Claims, readToken, signToken } from "../../emulators/stream/coordinator/token.ts";
import { type StreamEmulator, type StreamRules, startStream } from "../../emulators/stream.ts";
import { needs } from "../../fixtures/needs.ts";
import { shiftedClock } from "../../fixtures/programs/shifted-clock.ts";
import { askCoordinator } from "../../fixtures/stream/socket.ts";

const call = { callType: "default", callId: "c1" };
const { signal } = new AbortController();
const minute = 60_000;

function meet({ apiKey, apiSecret, url: baseUrl }: StreamEmulator, more: StreamOptions = {}): Coordinator {
  return new Coordinator(fillOptions({ apiKey, apiSecret, baseUrl, ...more }));
}

const start = (rules: Partial<StreamRules> = {}) => startStream({ rules });

const statuses = (stream: StreamEmulator) =>
  stream.log
    .of("request")
    .filter(({ path }) => String(path).endsWith("/join"))
    .map(({ status }) => status);

/** The browser's join, with the token that it was given. */
const joins = async (stream: StreamEmulator, token: string) =>
  (
    await askCoordinator(stream, "/video/call/default/c1/join", {
      token,
      body: { location: "auto", create: true },
    })
  ).status;

for (const [minutes, where] of [
  [-7, "ahead of Stream's"],
  [11, "behind Stream's"],
] as const) {
  const rules = { clockAheadMs: minutes * minute };
  /** Shorter than the clocks are apart. */
  const short = { tokenLifetimeSeconds: 60 };

  test(`a clock ${where}: the first join succeeds at its second request, later ones at once`, async (t) => {
    await using stream = await start(rules);
    const coordinator = meet(stream, short);
    await coordinator.join({ call, userId: "agent", signal });
    await coordinator.join({ call, userId: "other", signal });
    t.deepEqual(statuses(stream), [401, 201, 201]);
  });

  test(`a clock ${where}: an earlier answer tells the time, and no join is refused`, async (t) => {
    await using stream = await start(rules);
    const coordinator = meet(stream, short);
    stream.faults.coordinator.push({ path: "/users", status: 403, code: 17 });
    await t.throwsAsync(coordinator.upsertUser({ id: "agent", name: "Agent" }, signal));
    await coordinator.join({ call, userId: "agent", signal });
    t.deepEqual(statuses(stream), [201]);
  });

  test(`a clock ${where}: a browser's token is valid, also as the first request`, async (t) => {
    await using stream = await start(rules);
    const token = await meet(stream).userToken({ userId: "guest", lifetimeSeconds: 60, call });
    t.is(await joins(stream, token), 201);
    const { iat = 0, exp = 0 } = readToken(token, stream.apiSecret, stream.now()) as Claims;
    const seconds = stream.now() / 1_000;
    // It is good for as long as was asked, by Stream's clock, less what this test took.
    t.true(exp > seconds && exp <= seconds + 60);
    t.is(exp - iat, 60 + backdatedSeconds);
  });
}

test("with a clock ahead of Stream's, and answers without a time, the token is backdated further", async (t) => {
  await using stream = await start({ clockAheadMs: -7 * minute, tellsDate: false });
  const coordinator = meet(stream);
  await coordinator.join({ call, userId: "agent", signal });
  t.deepEqual(statuses(stream), [401, 201]);
  t.is(await joins(stream, await coordinator.userToken({ userId: "guest", lifetimeSeconds: 60 })), 201);
});

test("where the time of the answers is not that of the token checks, the token is backdated further", async (t) => {
  await using stream = await start();
  const coordinator = meet(stream);
  await coordinator.upsertUser({ id: "agent", name: "Agent" }, signal);
  stream.faults.coordinator.push({ path: "/join", status: 401, code: 42 });
  await coordinator.join({ call, userId: "agent", signal });
  const [first, second] = stream.log
    .of("request")
    .filter(({ path }) => String(path).endsWith("/join"))
    .map(({ claims }) => (claims as Claims).iat ?? 0);
  t.true((second ?? 0) < (first ?? 0) - 3_600);
});

test("a token that is refused twice fails the join", async (t) => {
  await using stream = await start();
  const early = { path: "/join", status: 401, code: 42 };
  stream.faults.coordinator.push(early, early);
  const error = await t.throwsAsync(meet(stream).join({ call, userId: "agent", signal }), {
    instanceOf: StreamError,
  });
  t.like(error, { status: 401, number: 42, retryable: false });
});

test("a browser's token is made also where Stream's time cannot be asked for", async (t) => {
  const stream = await start();
  const coordinator = meet(stream);
  await stream.close();
  const token = await coordinator.userToken({ userId: "guest", lifetimeSeconds: 60 });
  t.is((readToken(token, stream.apiSecret) as Claims).user_id, "guest");
});

for (const shift of ["+4m", "-9m"]) {
  needs("faketime")(
    `a machine whose clock is wrong by ${shift}: the agent and its guest are let in`,
    async (t) => {
      await using stream = await start();
      const child = new URL("../../fixtures/stream/tokens-child.ts", import.meta.url).pathname;
      const env = { ...process.env, ...stream.environment, ...shiftedClock(shift) };
      const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", child], {
        env,
        timeout: 60_000,
      });
      const { token, time } = JSON.parse(stdout) as { readonly token: string; readonly time: number };
      t.true(Math.abs(time - Date.now()) > 3 * minute);
      t.is(statuses(stream).at(-1), 201);
      t.is(await joins(stream, token), 201);
    },
  );
}

test("the emulator has no leeway, and accepts the same tokens as Stream", (t) => {
  const at = 1_800_000_000_500;
  const seconds = 1_800_000_000;
  const judged = (claims: object, secret = "s") => {
    const fault = readToken(signToken(claims as Claims, secret), "s", at);
    return typeof fault === "string" ? fault : "good";
  };
  const user = { user_id: "ann" };
  t.deepEqual(
    [
      judged({ ...user, iat: seconds, exp: seconds + 1 }),
      judged({ ...user, iat: seconds + 1 }),
      judged({ ...user, nbf: seconds + 1 }),
      judged({ ...user, exp: seconds }),
      judged({ server: true }),
      judged({}),
      judged({ user_id: "" }),
      judged({ ...user, iat: "now" }),
      judged({ ...user, call_cids: [] }),
      judged(user, "other"),
    ],
    [
      "good",
      "early",
      "early",
      "expired",
      "good",
      "malformed",
      "malformed",
      "malformed",
      "malformed",
      "signature",
    ],
  );
  const [, body, signature] = signToken(user, "s").split(".");
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  t.is(readToken(`${none}.${body}.${signature}`, "s"), "malformed");
  t.is(readToken(`${none}.${body}.`, "s"), "malformed");
});

test("the emulator accepts a token for one call in no other, and tells the time of its checks", async (t: ExecutionContext) => {
  await using stream = await start({ clockAheadMs: 3 * minute });
  const token = signToken({ user_id: "ann", call_cids: ["default:other"] }, stream.apiSecret);
  t.is(await joins(stream, token), 403);
  const { headers } = await fetch(`${stream.url}/app`);
  t.true(Math.abs(Date.parse(headers.get("date") ?? "") - Date.now() - 3 * minute) < 30_000);
});
