import anyTest, { type TestFn } from "ava";
import type { AgentLauncher, Scope } from "greenroom";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another: each has servers of its own, and there are two cores. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.beforeEach(async (t) => {
  t.context.launcher = await startLauncher({ warmSessions: 2 });
});
test.afterEach.always((t) => t.context.launcher.stop());

const ids = (sessions: { session_id: string }[]) => sessions.map(({ session_id }) => session_id);

async function pages(ask: OpenServer["ask"], query: string): Promise<string[][]> {
  const all: string[][] = [];
  let cursor: string | null = null;
  do {
    const { body } = await ask(`/sessions?${query}${cursor === null ? "" : `&cursor=${cursor}`}`);
    all.push(ids(body.sessions));
    cursor = body.next_cursor;
  } while (cursor !== null);
  return all;
}

test("the live sessions, the oldest first, page by page", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  t.deepEqual((await ask("/sessions")).body, { sessions: [], next_cursor: null });
  const started: string[] = [];
  for (let i = 0; i < 5; i += 1) started.push((await start()).session_id);
  t.deepEqual(await pages(ask, ""), [started]);
  t.deepEqual(await pages(ask, "limit=2"), [started.slice(0, 2), started.slice(2, 4), started.slice(4)]);
  t.deepEqual(await pages(ask, "limit=5"), [started]);
  await ask(`/sessions/${started[2]}?wait=true`, { method: "DELETE" });
  started.splice(2, 1);
  t.deepEqual(
    await pages(ask, "limit=1"),
    started.map((id) => [id]),
  );
});

test("a page goes on where the last one ended, even if that session is gone", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const started: string[] = [];
  for (let i = 0; i < 3; i += 1) started.push((await start()).session_id);
  const first = await ask("/sessions?limit=1");
  await ask(`/sessions/${started[0]}?wait=true`, { method: "DELETE" });
  const second = await ask(`/sessions?limit=5&cursor=${first.body.next_cursor}`);
  t.deepEqual(ids(second.body.sessions), started.slice(1));
});

test("by call and by state", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const joining = await start({ call_id: "a", config: { gate: "never" } });
  const closing = await start({ call_id: "a", config: { course: "ignores-close" } });
  await start({ call_id: "b" });
  await ask(`/sessions/${closing.session_id}`, { method: "DELETE" });
  t.deepEqual(ids((await ask("/sessions?call_id=a")).body.sessions), [
    joining.session_id,
    closing.session_id,
  ]);
  t.deepEqual(ids((await ask("/sessions?state=joining&call_id=a")).body.sessions), [joining.session_id]);
  t.deepEqual(ids((await ask("/sessions?state=closing")).body.sessions), [closing.session_id]);
  t.deepEqual((await ask("/sessions?call_id=nobody")).body.sessions, []);
});

test("what cannot be asked for is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const [query, name] of [
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=x", "limit"],
    ["limit=1.5", "limit"],
    ["state=ended", "state"],
    ["cursor=nonsense", "cursor"],
    ["cursor=W10", "cursor"],
  ] as const) {
    const { status, body } = await ask(`/sessions?${query}`);
    t.is(status, 422, query);
    t.deepEqual(body.detail[0].loc, ["query", name]);
  }
  for (const limit of ["zzz", "1.5"]) {
    t.deepEqual((await ask(`/sessions?limit=${limit}`)).body.detail, [
      { loc: ["query", "limit"], msg: "Input should be a valid integer", type: "int_parsing" },
    ]);
  }
});

test("each session is judged in a scope of its own, before the page is cut", async (t) => {
  const userLookups: string[] = [];
  const judged: string[] = [];
  const user = ({ headers }: Scope) => {
    userLookups.push("lookup");
    return headers.get("x-user");
  };
  const owner = async (scope: Scope) => {
    judged.push(scope.params.session_id ?? "");
    return (await scope.resolve(user)) === scope.session().createdBy;
  };
  const { ask, start } = await openServer(t, t.context.launcher, {
    getCurrentUser: user,
    canViewSession: (scope) => scope.resolve(owner),
  });
  const hers: string[] = [];
  for (const name of ["his", "hers", "his", "hers", "hers"]) {
    const { session_id } = await start({}, { "x-user": name });
    if (name === "hers") hers.push(session_id);
  }
  userLookups.length = 0;
  const { body } = await ask("/sessions?limit=2", { headers: { "x-user": "hers" } });
  t.deepEqual(ids(body.sessions), hers.slice(0, 2));
  t.is(userLookups.length, 1);
  t.is(judged.length, 5);
  t.is(new Set(judged).size, 5);
  const rest = await ask(`/sessions?limit=2&cursor=${body.next_cursor}`, { headers: { "x-user": "hers" } });
  t.deepEqual(ids(rest.body.sessions), hers.slice(2));
  t.is(rest.body.next_cursor, null);
});

test("an empty cursor is that of the first page", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  await start();
  const { status, body } = await ask("/sessions?cursor=&limit=1");
  t.deepEqual([status, body.sessions.length], [200, 1]);
});
