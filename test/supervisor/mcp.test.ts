import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { isThere } from "../fixtures/mcp/is-there.ts";

test("the sessions of a server, and its rehearsal, use one program, which ends with the server", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-mcp-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, "pids");
  process.env.MCP_PROGRAM = join(import.meta.dirname, "../fixtures/mcp/stdio-server.ts");
  process.env.MCP_PIDS = file;
  const launcher = await launch(t, "providers/mcp-program");
  const sessions = await Promise.all(["a", "b", "c"].map((callId) => launcher.startSession({ callId })));
  for (const { id } of sessions) {
    await eventually("its first words", () => launcher.getSession(id)?.state === "live");
  }
  const pids = () => (existsSync(file) ? (readFileSync(file, "utf8").match(/\d+/g) ?? []) : []).map(Number);
  await eventually("the program runs", () => pids().length > 0);
  await Promise.all(sessions.map(({ id }) => launcher.closeSession(id, { wait: true })));
  t.is(pids().length, 1);
  t.true(pids().every(isThere), "it stays for those that come");
  await launcher.stop();
  t.false(pids().some(isThere));
});
