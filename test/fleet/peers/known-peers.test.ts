import test, { type ExecutionContext } from "ava";
import { KnownPeers } from "../../../src/control-plane/peers/known-peers.ts";
import type { PeerLife } from "../../../src/control-plane/peers/liveness.ts";
import type { PeerNode, RegistryHooks } from "../../../src/registry/registry.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { CommonRegistry, CommonStore } from "../../fixtures/registry/common-registry.ts";

const node = (nodeId: string) => ({ nodeId, address: "http://127.0.0.1:1" });
/** The hooks of a process that starts no session: nothing else is asked of it. */
const hooks = { state: () => ({ capacity: 1, free: 1, accepting: true }) } as unknown as RegistryHooks;
const limits = { maxSessionsPerCall: null };

/**
 * Makes a replica named "one" that knows "other". `presence`: the answer of "other" when it is asked whether it is
 * there.
 */
async function knowing(t: ExecutionContext, presence: (peer: PeerNode) => Promise<PeerLife>) {
  const store = new CommonStore();
  const registry = new CommonRegistry(store);
  await registry.open(node("one"), limits, hooks);
  await new CommonRegistry(store).open(node("other"), limits, hooks);
  const stopped = new AbortController();
  t.teardown(() => stopped.abort());
  const known = new KnownPeers(registry, presence, stopped.signal);
  const ids = () => known.all().map(({ nodeId }) => nodeId);
  t.deepEqual(ids(), ["other"]);
  return { store, registry, known, ids };
}

test("a replica that the registry lists no more is kept while it says that it is there", async (t) => {
  let asked = 0;
  const { store, known, ids } = await knowing(t, async () => {
    asked += 1;
    return { epoch: 9 };
  });
  store.members.delete("other");
  t.deepEqual(ids(), ["other"]);
  t.true(known.isUnlisted("other"));
  await eventually("it is asked", () => asked === 1);
  t.deepEqual(ids(), ["other"]);
  t.true(known.refused(known.all()[0]!), "nobody listens there any more");
  t.deepEqual(ids(), []);
});

for (const said of ["gone", "silent"] as const) {
  test(`one that was declared dead is dropped where it is ${said}`, async (t) => {
    const { store, ids } = await knowing(t, async () => said);
    store.members.delete("other");
    t.deepEqual(ids(), ["other"], "until that is known");
    await eventually("it is dropped", () => ids().length === 0);
  });
}

test("where this process had to register anew, one that is silent is kept: the registry was emptied", async (t) => {
  const answered = Promise.withResolvers<void>();
  const { store, registry, known, ids } = await knowing(t, async () => {
    answered.resolve();
    return "silent";
  });
  store.members.delete("other");
  await registry.open(node("one"), limits, hooks);
  t.deepEqual(ids(), ["other"]);
  await answered.promise;
  await new Promise(setImmediate);
  t.deepEqual(ids(), ["other"]);
  t.false(known.mayBeMistaken, "it knew others");
});

test("one that is listed is never dropped here, whatever it answers", async (t) => {
  const { known, ids } = await knowing(t, async () => "gone");
  t.false(known.refused(known.all()[0]!));
  t.deepEqual(ids(), ["other"]);
});

test("a process that has just registered, and knows nobody, may be mistaken in that", async (t) => {
  const store = new CommonStore();
  const registry = new CommonRegistry(store);
  const known = new KnownPeers(registry, async () => "gone", AbortSignal.abort());
  t.false(known.mayBeMistaken, "it is not registered");
  await registry.open(node("one"), limits, hooks);
  t.true(known.mayBeMistaken);
  await new CommonRegistry(store).open(node("other"), limits, hooks);
  t.false(known.mayBeMistaken);
});
