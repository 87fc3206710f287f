import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { flood, load, openFile } from "./fixtures/log-load.ts";
import { Pipe } from "./fixtures/pipe.ts";
import { Served } from "./fixtures/served.ts";

const test = anyTest.serial as TestFn;

test("a server whose log nobody reads still ends when it is told to", async (t) => {
  const pipe = new Pipe(t);
  const served = await Served.open(t, [pipe.writeEnd, pipe.writeEnd]);
  await load(t, served);
  t.is(await served.stop(), 0);
});

test("what a volume had no room for is written once it has", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-volume-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    t.log("no file system can be mounted here: not tried with a volume of its own");
    t.pass();
    return;
  }
  t.teardown(() => execFileSync("umount", ["-l", folder]));
  const filler = join(folder, "filler");
  const path = join(folder, "log");
  const log = openFile(t, path);
  t.throws(() => writeFileSync(filler, Buffer.alloc(4 * 2 ** 20)), { code: "ENOSPC" });
  const served = await Served.open(t, [log, log]);
  await served.liveThrough(t, flood, "killed");
  rmSync(filler);
  await served.liveThrough(t);
  t.is(await served.stop(), 0);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  t.true(
    lines.some((line) => line.includes("Greenroom is ready")),
    `${lines.length} lines: ${lines[0]} … ${lines.at(-1)}`,
  );
});
