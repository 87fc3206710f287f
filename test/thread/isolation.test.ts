import { once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";
import { launch } from "../fixtures/launch.ts";

test("what acts on the whole process is taken from a session thread, and its own is left to it", async (t) => {
  const { title } = process;
  const thread = new Worker(new URL("../fixtures/thread/isolated-thread.ts", import.meta.url));
  const [codes] = (await once(thread, "message")) as [Record<string, string | null>];
  await thread.terminate();
  // Refused by Node itself.
  const ofNode = ["process.abort", "process.chdir", "process.umask", "process.setuid", "crypto.setFips"];
  for (const [name, code] of Object.entries(codes)) {
    if (ofNode.includes(name)) t.is(code, "ERR_WORKER_UNSUPPORTED_OPERATION", name);
    else if (name === "process.title") t.is(code, "TypeError");
    else t.is(code, "NOT_IN_A_SESSION", name);
  }
  t.true(Object.keys(codes).length > 20);
  t.is(process.title, title);
});

for (const [fault, says] of [
  ["kill-process", /process\.kill\(\) would act on the whole process/],
  ["debug-main-thread", /inspector\.Session\.connectToMainThread\(\) would act/],
  ["close-output", /Closing file descriptor 1, which this thread has not opened, would act/],
] as const) {
  test(`an agent that tries it fails alone: ${fault}`, async (t) => {
    const launcher = await launch(t, "misbehaving");
    const session = await launcher.startSession({ callId: "c", config: { fault } });
    await session.ended;
    t.is(session.endReason, "failed");
    t.is(session.error?.code, "NOT_IN_A_SESSION");
    t.regex(session.error?.message ?? "", says);
  });
}
