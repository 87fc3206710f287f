import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { openRegistry } from "../fixtures/registry/open-registry.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

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
