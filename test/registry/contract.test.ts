import { mostKeptOfOne } from "../../src/registry/local-keys.ts";
import { now } from "../../src/shared/protocol.ts";
import { isInstalled } from "../fixtures/is-installed.ts";
import { unless } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { claimOf, type OpenRegistryOptions, openRegistry } from "../fixtures/registry/open-registry.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

/** These tests hold for every registry, whatever it is made of. */
for (const store of ["memory", "journal", "redis"] as const) {
  const missing = store === "redis" && !isInstalled("redis-server") ? "redis-server is not installed" : null;
  const declare = unless(missing);
  const title = (text: string) => `${store}: ${text}`;
  const open = async (t: Parameters<typeof openRegistry>[0], options: OpenRegistryOptions = {}) => {
    if (store === "memory") return openRegistry(t, null, options);
    if (store === "journal") return openRegistry(t, null, { ...options, stateDir: temporaryFolder(t) });
    return openRegistry(t, await openRedis(t), options);
  };

  declare(title("a session is found while it lives, and by its end afterwards"), async (t) => {
    const { registry, nodeId } = await open(t);
    const createdBy = { name: "Ada", tags: [], nested: { list: [{}] }, score: 0.1 };
    const claim = claimOf("call", createdBy);
    t.is(await registry.find(claim.sessionId), null);
    await registry.claim(claim);
    const live = await registry.find(claim.sessionId);
    t.like(live, { ...claim, nodeId, end: null });
    t.true(live!.epoch > 0);
    t.is(live!.epoch, registry.epoch);
    const end = { reason: "finished" as const, endedAt: now() };
    void registry.end(claim.sessionId, end, null);
    t.deepEqual(await registry.find(claim.sessionId), { ...live!, end });
  });

  declare(title("a session that never came to be leaves nothing"), async (t) => {
    const { registry } = await open(t, { maxSessionsPerCall: 1 });
    const claim = claimOf();
    await registry.claim(claim);
    registry.withdraw(claim.sessionId);
    t.is(await registry.find(claim.sessionId), null);
    await t.notThrowsAsync(registry.claim(claimOf()));
  });

  declare(title("calls are limited one by one, and an end makes room at once"), async (t) => {
    const { registry } = await open(t, { maxSessionsPerCall: 2 });
    const claims = [claimOf("a"), claimOf("a"), claimOf("b")];
    for (const claim of claims) await registry.claim(claim);
    const error = await t.throwsAsync(registry.claim(claimOf("a")));
    t.like(error, { code: "CALL_FULL", status: 429 });
    await registry.claim({ ...claimOf("a"), callType: "other" });
    void registry.end(claims[0]!.sessionId, { reason: "closed", endedAt: now() }, null);
    await t.notThrowsAsync(registry.claim(claimOf("a")));
    await t.throwsAsync(registry.claim(claimOf("a")), { message: /this call/ });
  });

  declare(title("who is on its way out keeps its place until it is gone"), async (t) => {
    const { registry } = await open(t, { maxSessionsPerCall: 1 });
    const claim = claimOf("a");
    await registry.claim(claim);
    registry.leaving(claim.sessionId);
    registry.leaving("nobody");
    await t.throwsAsync(registry.claim(claimOf("a")), { message: /this call/ });
    void registry.end(claim.sessionId, { reason: "closed", endedAt: now() }, null);
    await t.notThrowsAsync(registry.claim(claimOf("a")));
  });

  declare(title("many starts at once get exactly as many places as there are"), async (t) => {
    const { registry } = await open(t, { maxSessionsPerCall: 7 });
    const starts = await Promise.allSettled(Array.from({ length: 60 }, () => registry.claim(claimOf())));
    t.is(starts.filter(({ status }) => status === "fulfilled").length, 7);
  });

  declare(title("a session that ends while it is being registered does not stay"), async (t) => {
    const { registry } = await open(t, { maxSessionsPerCall: 1 });
    const claim = claimOf();
    const claimed = registry.claim(claim);
    void registry.end(claim.sessionId, { reason: "drained", endedAt: now() }, null);
    await claimed;
    t.is((await registry.find(claim.sessionId))?.end?.reason, "drained");
    await t.notThrowsAsync(registry.claim(claimOf()));
  });

  declare(title("what is done twice does no harm, and what nobody knows neither"), async (t) => {
    const { registry } = await open(t, { maxSessionsPerCall: 1 });
    const claim = claimOf();
    void registry.end("nobody", { reason: "closed", endedAt: now() }, null);
    await registry.claim(claim);
    void registry.end(claim.sessionId, { reason: "finished", endedAt: now() }, null);
    void registry.end(claim.sessionId, { reason: "crashed", endedAt: now() }, null);
    t.is((await registry.find(claim.sessionId))?.end?.reason, "finished");
    await registry.claim(claimOf());
    await t.throwsAsync(registry.claim(claimOf()), { message: /this call/ });
  });

  declare(title("a request with a key is run once"), async (t) => {
    const { registry } = await open(t);
    const key = { name: "Ada\nkey", caller: "ann", bodyHash: "body" };
    let runs = 0;
    const run = async () => {
      runs += 1;
      await Promise.resolve();
      return { session_id: `run-${runs}`, config: { empty: [] } };
    };
    const [first, second] = await Promise.all([registry.onceByKey(key, run), registry.onceByKey(key, run)]);
    t.deepEqual(first, { answer: { session_id: "run-1", config: { empty: [] } }, replayed: false });
    t.deepEqual(second, { ...first, replayed: true });
    t.deepEqual(await registry.onceByKey(key, run), { ...first, replayed: true });
    t.is((await registry.onceByKey({ ...key, name: "Bob\nkey" }, run)).answer.session_id, "run-2");
    await t.throwsAsync(registry.onceByKey({ ...key, bodyHash: "other" }, run), { message: /another/ });
  });

  declare(title("a caller's many keys push out their own oldest answers, and nobody else's"), async (t) => {
    const { registry } = await open(t);
    const once = async (caller: string, name: string) =>
      (await registry.onceByKey({ name: `${caller} ${name}`, caller, bodyHash: "" }, async () => name))
        .replayed;
    await once("ann", "only");
    for (let i = 0; i <= mostKeptOfOne; i += 1) t.false(await once("bob", String(i)));
    t.true(await once("ann", "only"));
    t.true(await once("bob", String(mostKeptOfOne)));
    t.false(await once("bob", "0"));
  });

  declare(title("a request with a key that failed may be tried again"), async (t) => {
    const { registry } = await open(t);
    const key = { name: "key", caller: "ann", bodyHash: "body" };
    const failure = new Error("no thread");
    t.is(await t.throwsAsync(registry.onceByKey(key, () => Promise.reject(failure))), failure);
    t.deepEqual(await registry.onceByKey(key, async () => 1), { answer: 1, replayed: false });
  });
}
