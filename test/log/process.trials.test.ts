import { spawnSync } from "node:child_process";
import anyTest, { type TestFn } from "ava";
import { bin } from "../fixtures/runner/child.ts";
import { inLongForm } from "../fixtures/trials.ts";
import { flood, load, openFile } from "./fixtures/log-load.ts";
import { Pipe } from "./fixtures/pipe.ts";
import { Served } from "./fixtures/served.ts";

const test = anyTest.serial as TestFn;

const longForm = inLongForm(test);

test("a reader of the log that stands still stops nothing: not the server, not its sessions, not its end", async (t) => {
  const pipe = new Pipe(t);
  const served = await Served.open(t, [pipe.writeEnd, pipe.writeEnd]);
  pipe.closeWriter();
  const flooding = served.liveThrough(t, flood, "killed");
  await load(t, served);
  await flooding;
  await served.liveThrough(t);
  const requests = /"route":"\/sessions","status":200/g;
  await pipe.readUntil(/"end_reason":"(closed|killed)"[\s\S]*"end_reason":"(closed|killed)"/);
  await served.liveThrough(t);
  const exit = served.stop();
  const text = await pipe.readUntil(/Greenroom has stopped after SIGTERM/);
  t.is(await exit, 0);
  t.is(text.match(requests)?.length, 600);
  for (const line of text.trimEnd().split("\n")) t.notThrows(() => JSON.parse(line), line);
});

longForm("a reader of the log that has gone stops nothing", async (t) => {
  const pipe = new Pipe(t);
  const served = await Served.open(t, [pipe.writeEnd, pipe.writeEnd]);
  pipe.closeWriter();
  pipe.closeReader();
  await served.liveThrough(t, flood, "killed");
  const { body } = await served.ask("/metrics");
  t.regex(body, /^greenroom_log_lines_dropped_total\{reason="failed"\} [1-9]/m);
  t.is(await served.stop(), 0);
});

test("a volume without any room stops nothing", async (t) => {
  const full = openFile(t, "/dev/full");
  const served = await Served.open(t, [full, full]);
  await served.liveThrough(t, flood, "killed");
  await served.liveThrough(t);
  t.is(await served.stop(), 0);
});

longForm("help that cannot be written is no failure", async (t) => {
  const pipe = new Pipe(t);
  pipe.closeReader();
  for (const output of [openFile(t, "/dev/full"), pipe.writeEnd]) {
    const { status } = spawnSync(process.execPath, [bin, "serve", "--help"], {
      stdio: ["ignore", output, output],
    });
    t.is(status, 0);
  }
});
