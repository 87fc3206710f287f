import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { compact } from "../../src/registry/journal/compaction.ts";
import { Contents } from "../../src/registry/journal/contents.ts";
import { JournalFile } from "../../src/registry/journal/journal-file.ts";
import { endedLine, openedLine, parseLine, toldLine } from "../../src/registry/journal/lines.ts";
import type { EndMessage } from "../../src/registry/registry.ts";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, type OpenRegistry, openRegistry } from "../fixtures/registry/open-registry.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

const finished = () => ({ reason: "finished" as const, endedAt: now() });
const bodies = (messages: readonly EndMessage[]) => messages.map(({ body }) => body).sort();
const fileIn = (stateDir: string) => join(stateDir, "sessions.jsonl");
const reopen = (t: ExecutionContext, stateDir: string, options: object = {}) =>
  openRegistry(t, null, { stateDir, ...options });

/** A session that has ended, and whose end is written. */
async function ended({ registry }: OpenRegistry, body: string | null = "body"): Promise<string> {
  const claim = claimOf();
  await registry.claim(claim);
  await registry.end(claim.sessionId, finished(), body);
  return claim.sessionId;
}

test("kill -9: what was not told is told by the next process, and what was live is lost, each with one content", async (t) => {
  const stateDir = temporaryFolder(t);
  const victim = await ChildRegistry.open(t, null, "victim", { stateDir });
  const { sessionIds } = await victim.claim("call", 3);
  const [untold, silent, lives] = sessionIds as [string, string, string];
  t.is(await victim.end(untold, '{"odd":"\\n\\u0000 ü,\\"body\\":"}'), "final");
  t.is(await victim.end(silent), "final");
  t.deepEqual(bodies((await victim.heard()).delivered), ['{"odd":"\\n\\u0000 ü,\\"body\\":"}']);
  await victim.kill();

  // It dies before it has told anything, too.
  const second = await ChildRegistry.open(t, null, "second", { stateDir });
  await eventually("both are delivered", async () => (await second.heard()).delivered.length === 2);
  const { delivered, lost } = await second.heard();
  t.deepEqual(lost, [lives]);
  t.deepEqual(bodies(delivered), [`lost ${lives}`, '{"odd":"\\n\\u0000 ü,\\"body\\":"}'].sort());
  await second.kill();

  const third = await reopen(t, stateDir);
  await eventually("both are delivered again", () => third.heard.delivered.length === 2);
  t.deepEqual(third.heard.lost, []);
  t.deepEqual(bodies(third.heard.delivered), bodies(delivered));
  t.is(third.registry.epoch, 3);
  t.like(await third.registry.find(untold), { nodeId: "victim", epoch: 1, end: { reason: "finished" } });
  t.like(await third.registry.find(lives), { nodeId: "victim", end: { reason: "lost" } });
  t.like(third.registry.waiting, { count: 2, oldestSince: third.heard.delivered[0]!.since });
  for (const { sessionId } of delivered) third.registry.told(sessionId);
  t.is(third.registry.waiting.count, 0);
  await third.registry.close();

  const fourth = await reopen(t, stateDir);
  t.like(await fourth.registry.find(untold), { end: { reason: "finished" } });
  t.is(fourth.registry.waiting.count, 0);
  t.deepEqual([fourth.heard.delivered, fourth.heard.lost, fourth.heard.warned], [[], [], []]);
  t.notRegex(readFileSync(fileIn(stateDir), "utf8"), /odd/, "what was told is gone from the disk");
});

test("a process that leaves in order keeps what it has not told, and nothing of what never came to be", async (t) => {
  const stateDir = temporaryFolder(t);
  const first = await reopen(t, stateDir);
  const id = await ended(first);
  const claim = claimOf();
  await first.registry.claim(claim);
  first.registry.withdraw(claim.sessionId);
  await first.registry.close();
  t.is(statSync(fileIn(stateDir)).mode & 0o777, 0o600);
  const second = await reopen(t, stateDir);
  await eventually("it is delivered", () => second.heard.delivered.length === 1);
  t.is(second.heard.delivered[0]?.sessionId, id);
  t.deepEqual(second.heard.lost, []);
  t.is(await second.registry.find(claim.sessionId), null);
});

test("a line that was cut off is ignored, others that cannot be read are named once, and the rest is told", async (t) => {
  const stateDir = temporaryFolder(t);
  const first = await reopen(t, stateDir);
  const [one, two] = [await ended(first, "one"), await ended(first, "two")];
  await first.registry.close();
  const torn = readFileSync(fileIn(stateDir)).lastIndexOf("{");
  truncateSync(fileIn(stateDir), torn + 20);
  const second = await reopen(t, stateDir);
  await eventually("both are delivered", () => second.heard.delivered.length === 2);
  t.deepEqual(bodies(second.heard.delivered), [`lost ${two}`, "one"]);
  t.is(second.heard.delivered.find(({ body }) => body === "one")?.sessionId, one);
  t.deepEqual(second.heard.warned, []);
  await second.registry.close();

  const size = statSync(fileIn(stateDir)).size;
  appendFileSync(fileIn(stateDir), `no json\n\n{"type":"told"}\n${"\0".repeat(300)}\n`);
  const third = await reopen(t, stateDir);
  t.is(third.heard.warned.length, 1);
  t.regex(third.heard.warned[0]!, /^Lines of the journal could not be read.*"lines":3/);
  t.true(third.heard.warned[0]!.includes(`"first_at":${size}`), third.heard.warned[0]);
  await eventually("all is delivered", () => third.heard.delivered.length === 2);
});

test("messages that there is no room for stay on disk, and are read when there is some", async (t) => {
  const stateDir = temporaryFolder(t);
  const count = 5_000;
  const first = await reopen(t, stateDir, { room: () => 0 });
  const ids = await Promise.all(Array.from({ length: count }, () => ended(first, "x".repeat(200))));
  t.deepEqual(first.heard.delivered, []);
  t.is(first.registry.waiting.count, count);
  await first.registry.close();
  const held = new Set<string>();
  let [told, most] = [0, 0];
  let reader: OpenRegistry | undefined;
  const room = () => (reader ? 50 - (reader.heard.delivered.length - told) : 0);
  const second = await reopen(t, stateDir, { room });
  reader = second;
  await eventually(
    "all are told",
    () => {
      const { delivered } = second.heard;
      most = Math.max(most, delivered.length - told);
      while (told < delivered.length) {
        const { sessionId } = delivered[told]!;
        held.add(sessionId);
        told += 1;
        second.registry.told(sessionId);
      }
      return told === count;
    },
    50_000,
  );
  t.true(most <= 50, `${most} at a time`);
  t.deepEqual(held, new Set(ids));
  t.is(second.registry.waiting.count, 0);
});

test("the file is written anew when most of it is needed no more, while sessions begin and end", async (t) => {
  const stateDir = temporaryFolder(t);
  const first = await reopen(t, stateDir, { room: () => 1_000 });
  const live = claimOf();
  await first.registry.claim(live);
  const body = "x".repeat(100_000);
  const told = await Promise.all(Array.from({ length: 40 }, () => ended(first, body)));
  const before = statSync(fileIn(stateDir));
  t.true(before.size > 4_000_000);
  const untold = await ended(first, "untold");
  for (const id of told) first.registry.told(id);
  const more: string[] = [];
  await eventually("it is small", async () => {
    more.push(await ended(first, "more"));
    return statSync(fileIn(stateDir)).size < 1_000_000;
  });
  const late = await ended(first, "late");
  t.not(statSync(fileIn(stateDir)).ino, before.ino);
  for (const id of more) first.registry.told(id);
  await first.registry.close();

  const second = await reopen(t, stateDir);
  await eventually("all that is left is delivered", () => second.heard.delivered.length === 3);
  t.deepEqual(bodies(second.heard.delivered), ["late", `lost ${live.sessionId}`, "untold"]);
  t.deepEqual(
    second.heard.delivered.map(({ sessionId }) => sessionId).sort(),
    [late, live.sessionId, untold].sort(),
  );
  for (const id of [...told, ...more])
    t.like(await second.registry.find(id), { end: { reason: "finished" } });
});

test("lines that are written while the file is written anew are where they are said to be", async (t) => {
  const path = fileIn(temporaryFolder(t));
  const from = await JournalFile.open(path, "w+");
  const contents = new Contents();
  const end = async (file: JournalFile, body: string) => {
    const record = { ...claimOf(), nodeId: "node", epoch: 1, end: finished() };
    const line = endedLine(record, body);
    const { endedAt } = record.end;
    contents.ended(record.sessionId, await file.append(line.bytes), line, { endedAt, hasBody: true });
    return record.sessionId;
  };
  const told = await end(from, "told");
  const first = await end(from, "first");
  contents.told(told, toldLine(told));
  const late: string[] = [];
  let turns = 0;
  let to: JournalFile | undefined;
  await compact({
    from,
    contents,
    path,
    first: openedLine(2),
    now: now(),
    exclusively: async (run) => {
      turns += 1;
      if (turns === 2) late.push(await end(from, "late"), await end(from, "later"));
      return run();
    },
    done: (file) => {
      to = file;
    },
  });
  await from.close();
  const bodyOf = async (sessionId: string) => {
    const { offset, length } = contents.get(sessionId)!;
    const line = parseLine(await to!.read(offset, length));
    return line?.type === "ended" ? [line.sessionId, line.body] : null;
  };
  t.deepEqual(await bodyOf(told), [told, undefined]);
  t.deepEqual(await bodyOf(first), [first, "first"]);
  t.deepEqual(await bodyOf(late[0]!), [late[0], "late"]);
  t.deepEqual(await bodyOf(late[1]!), [late[1], "later"]);
  t.is(statSync(path).size, to!.size);
  await to?.close();
});

test("the file or the folder is taken away: it is told, starts are refused, and all is put back", async (t) => {
  const stateDir = join(temporaryFolder(t), "state");
  const first = await reopen(t, stateDir);
  t.is(statSync(stateDir).mode & 0o777, 0o700);
  const live = claimOf();
  await first.registry.claim(live);
  const untold = await ended(first, "untold");
  for (const [times, path] of [fileIn(stateDir), stateDir].entries()) {
    rmSync(path, { recursive: true });
    await eventually("it is noticed, and mended", () => first.heard.back === times + 1);
    t.is(first.heard.away, times + 1);
    t.regex(first.heard.causes.at(-1)!, /was removed/);
    t.true(first.registry.up);
  }
  await first.registry.close();
  const second = await reopen(t, stateDir);
  await eventually("nothing was lost", () => second.heard.delivered.length === 2);
  t.deepEqual(bodies(second.heard.delivered), [`lost ${live.sessionId}`, "untold"]);
  t.is(second.heard.delivered.find(({ body }) => body === "untold")?.sessionId, untold);
});

test("ends of later versions are told, with reasons that this one does not know", async (t) => {
  const stateDir = temporaryFolder(t);
  const first = await reopen(t, stateDir);
  await ended(first, "body");
  await first.registry.close();
  const text = readFileSync(fileIn(stateDir), "utf8").replace('"finished"', '"abducted"');
  writeFileSync(fileIn(stateDir), text.replace('"type":"ended"', '"type":"ended","planet":4'));
  const second = await reopen(t, stateDir);
  await eventually("it is delivered", () => second.heard.delivered.length === 1);
  t.deepEqual([second.heard.delivered[0]?.body, second.heard.warned], ["body", []]);
});
