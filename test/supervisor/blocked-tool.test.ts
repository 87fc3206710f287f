import test from "ava";
import { heartbeatBytes } from "../../src/shared/protocol.ts";
import { readRunningTools, writeRunningTools } from "../../src/shared/session/running-tools.ts";
import { launch } from "../fixtures/launch.ts";

for (const [how, tools] of [
  ["loop", " while the tool loop ran"],
  ["wait_and_loop", " while the tool wait_and_loop ran"],
  ["together", " while the tools wait_and_loop, rest ran"],
  ["pass", ""],
] as const) {
  test(`the end of a thread that stands still names the tools that it was running: ${how}`, async (t) => {
    const launcher = await launch(t, "faults/looping", { unresponsiveAfterMs: 1_000 });
    const session = await launcher.startSession({ callId: "loops", config: { how } });
    await session.ended;
    t.is(session.endReason, "unresponsive");
    // A thread that is starved of the processor answers no profiler in time, and the place is then left out.
    const expected = new RegExp(
      `^The event loop was blocked for \\d+ ms( in .*\\))?${tools}: unresponsiveAfterMs`,
    );
    t.regex(session.error?.message ?? "", expected);
  });
}

test("a heartbeat holds the names of tools, as many as there is room for, and whatever an agent's code writes there", (t) => {
  const heartbeat = new SharedArrayBuffer(heartbeatBytes);
  t.deepEqual(readRunningTools(heartbeat), []);
  writeRunningTools(heartbeat, ["get_weather", "mcp.search-web"]);
  t.deepEqual(readRunningTools(heartbeat), ["get_weather", "mcp.search-web"]);
  writeRunningTools(heartbeat, ["a"]);
  t.deepEqual(readRunningTools(heartbeat), ["a"]);
  const many = Array.from({ length: 9 }, (_, index) => `${index}`.repeat(64));
  writeRunningTools(heartbeat, many);
  const kept = readRunningTools(heartbeat);
  t.deepEqual(kept.slice(0, 3), many.slice(0, 3));
  t.true(kept.length < many.length);
  writeRunningTools(heartbeat, []);
  t.deepEqual(readRunningTools(heartbeat), []);
  new Uint8Array(heartbeat).fill(0xff);
  t.deepEqual(readRunningTools(heartbeat), []);
});
