import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, openRegistry } from "../fixtures/registry/open-registry.ts";
import { SmallDisk } from "../fixtures/registry/small-disk.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

const finished = () => ({ reason: "finished" as const, endedAt: now() });

test("a full disk: starts are refused, ends are kept and written once there is room", async (t) => {
  const disk = SmallDisk.open(t);
  if (!disk) return;
  const stateDir = join(disk.folder, "state");
  const first = await openRegistry(t, null, { stateDir });
  const claims = Array.from({ length: 20 }, () => claimOf());
  for (const claim of claims) await first.registry.claim(claim);
  disk.fill();
  // Longer than what is left of the last page of the file.
  const body = (id: string) => `${id} ${"x".repeat(8_000)}`;
  const ends = claims.map(({ sessionId }) => first.registry.end(sessionId, finished(), body(sessionId)));
  await eventually("it is told", () => first.heard.away === 1);
  t.regex(
    first.heard.causes[0]!,
    /^The state folder .*state \(stateDir, --state-dir\) is on a disk that is full$/,
  );
  t.false(first.registry.up);
  await t.throwsAsync(first.registry.claim(claimOf()), { code: "REGISTRY_UNAVAILABLE" });
  t.deepEqual(first.heard.delivered, [], "nothing is told before it is written");
  t.is(first.registry.waiting.count, 20);
  disk.free();
  await eventually("it is told that it is back", () => first.heard.back === 1);
  t.deepEqual(new Set(await Promise.all(ends)), new Set(["final"]));
  t.is(first.heard.delivered.length, 20);
  await t.notThrowsAsync(first.registry.claim(claimOf()));
  await first.registry.close();
  const second = await openRegistry(t, null, { stateDir });
  await eventually("all is told", () => second.heard.delivered.length === 21);
  const told = new Map(second.heard.delivered.map((message) => [message.sessionId, message.body]));
  for (const { sessionId } of claims) t.true(told.get(sessionId) === body(sessionId));
});

test("a full disk and nothing that waits to be written: starts are refused until there is room", async (t) => {
  const disk = SmallDisk.open(t);
  if (!disk) return;
  const { registry, heard } = await openRegistry(t, null, { stateDir: join(disk.folder, "state") });
  disk.fill();
  await t.throwsAsync(registry.claim(claimOf("call", "x".repeat(8_000))), { code: "REGISTRY_UNAVAILABLE" });
  await eventually("it was tried again", () => heard.failed >= 3);
  t.is(heard.back, 0);
  await t.throwsAsync(registry.claim(claimOf()), { code: "REGISTRY_UNAVAILABLE" });
  disk.free();
  await eventually("it is told that it is back", () => heard.back === 1);
  await t.notThrowsAsync(registry.claim(claimOf()));
});

test("a disk that is full to the end: what is told by hand is not lost after the next start too", async (t) => {
  const disk = SmallDisk.open(t);
  if (!disk) return;
  const stateDir = join(disk.folder, "state");
  const first = await openRegistry(t, null, { stateDir });
  const [ends, stays] = [claimOf(), claimOf()];
  await first.registry.claim(ends);
  await first.registry.claim(stays);
  disk.fill();
  const end = first.registry.end(ends.sessionId, finished(), "x".repeat(8_000));
  await eventually("the disk is full", () => !first.registry.up);
  await first.registry.close();
  t.is(await end, "alone");
  disk.free();
  const second = await openRegistry(t, null, { stateDir });
  await eventually("the other one is told", () => second.heard.delivered.length === 1);
  t.deepEqual(
    second.heard.lost.map(({ sessionId }) => sessionId),
    [stays.sessionId],
  );
  t.deepEqual(second.heard.warned, []);
});

test("a folder that cannot be used is one sentence", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const stateDir of [file, join(file, "state")]) {
    const error = await t.throwsAsync(openRegistry(t, null, { stateDir }), { code: "REGISTRY_UNAVAILABLE" });
    t.is(
      (error.cause as Error).message,
      `The state folder ${stateDir} (stateDir, --state-dir) is no folder, or lies in something that is none`,
    );
  }
  const disk = SmallDisk.open(t);
  if (!disk) return;
  disk.makeReadOnly();
  const error = await t.throwsAsync(openRegistry(t, null, { stateDir: disk.folder }));
  t.regex((error.cause as Error).message, /is on a file system that is read-only$/);
});

const locks = (folder: string) => readdirSync(folder).filter((name) => name.startsWith("lock."));

async function refusal(t: ExecutionContext, stateDir: string): Promise<string> {
  const error = await t.throwsAsync(openRegistry(t, null, { stateDir }), { code: "REGISTRY_UNAVAILABLE" });
  return (error.cause as Error).message;
}

test("one process at a time has a folder, whatever way the one before it ended", async (t) => {
  const stateDir = temporaryFolder(t);
  const one = await ChildRegistry.open(t, null, "one", { stateDir });
  const { pid } = JSON.parse(readFileSync(join(stateDir, locks(stateDir)[0]!), "utf8"));
  const expected = `The state folder ${stateDir} (stateDir, --state-dir) is in use by the process ${pid}: each process needs a folder of its own`;
  t.is(await refusal(t, stateDir), expected);
  await one.kill();
  t.is(locks(stateDir).length, 1);
  const own = await openRegistry(t, null, { stateDir });
  t.regex(
    await refusal(t, stateDir),
    new RegExp(`by the process ${process.pid}: `),
    "a second one of the same process",
  );
  t.true(own.registry.up);
  await own.registry.close();
  t.deepEqual(locks(stateDir), []);
  await t.notThrowsAsync(openRegistry(t, null, { stateDir }));
});

test("many processes want a folder whose process died: one has it", async (t) => {
  const stateDir = temporaryFolder(t);
  const dead = await ChildRegistry.open(t, null, "dead", { stateDir });
  await dead.kill();
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => openRegistry(t, null, { stateDir })),
  );
  t.is(results.filter(({ status }) => status === "fulfilled").length, 1);
  t.is(locks(stateDir).length, 1);
});

test("a process id that was used again, as the first one of a container always is, locks nothing", async (t) => {
  const stateDir = temporaryFolder(t);
  const one = await openRegistry(t, null, { stateDir });
  const [lock] = locks(stateDir);
  const owner = JSON.parse(readFileSync(join(stateDir, lock!), "utf8"));
  await one.registry.close();
  writeFileSync(join(stateDir, "lock.41"), JSON.stringify({ ...owner, startedAt: "1" }));
  await t.notThrowsAsync(openRegistry(t, null, { stateDir }));
  t.deepEqual(locks(stateDir), ["lock.42"]);
});

test("a process that cannot be seen from here has its folder for as long as it shows that it lives", async (t) => {
  const stateDir = temporaryFolder(t);
  const lock = join(stateDir, "lock.1");
  writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: "1", space: "another machine" }));
  const signs = setInterval(() => utimesSync(lock, new Date(), new Date()), 100);
  t.teardown(() => clearInterval(signs));
  t.regex(await refusal(t, stateDir), /is in use by the process/);
  clearInterval(signs);
  await t.notThrowsAsync(openRegistry(t, null, { stateDir }));
});
