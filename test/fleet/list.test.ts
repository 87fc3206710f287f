import anyTest, { type TestFn } from "ava";
import { inOrder, mergedPage, type Page } from "../../src/control-plane/endpoints/list-page.ts";
import { type Fleet, openFleet, type Replica } from "../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another, since they share a fleet: each has a user of its own. */
const test = anyTest.serial as TestFn<{ fleet: Fleet }>;

test.before(async (t) => {
  t.context.fleet = await openFleet({
    serve: () => ({
      getCurrentUser: ({ headers }) => headers.get("x-user"),
      canViewSession: (scope) => scope.session().createdBy === scope.headers.get("x-user"),
    }),
  });
});
test.after.always((t) => t.context.fleet.close());

type User = Readonly<Record<"x-user", string>>;
const user = (name: string): User => ({ "x-user": name });
const ids = (sessions: { session_id: string }[]) => sessions.map(({ session_id }) => session_id);

/** Starts sessions of a user, one after another in turn over the replicas. */
async function populate({ replicas }: Fleet, owner: User, count: number): Promise<string[]> {
  const started: { session_id: string; session_started_at: string }[] = [];
  for (let i = 0; i < count; i += 1) {
    started.push(await replicas[i % 3]!.start({ call_id: i % 2 === 0 ? "even" : "odd" }, owner));
  }
  const place = (session: (typeof started)[number]) =>
    [session.session_started_at, session.session_id].join();
  return ids(started.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)));
}

async function pages(replica: Replica, viewer: User, path: string): Promise<string[][]> {
  const all: string[][] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${cursor}`;
    const { body, headers } = await replica.ask(path + query, { headers: viewer });
    if (headers.has("greenroom-incomplete")) throw new Error("It is not complete");
    all.push(ids(body.sessions));
    cursor = body.next_cursor;
  } while (cursor !== null);
  return all;
}

test("a list has the sessions of all replicas, the oldest or the newest first, page by page, at any replica", async (t) => {
  const { fleet } = t.context;
  const ann = user("ann");
  t.deepEqual(await pages(fleet.replicas[0], ann, "/sessions?limit=5"), [[]]);
  const started = await populate(fleet, ann, 5);
  for (const replica of fleet.replicas) await replica.start({}, user("bob"));
  for (const replica of fleet.replicas) {
    t.deepEqual(await pages(replica, ann, "/sessions?limit=100"), [started]);
    t.deepEqual(
      (await pages(replica, ann, "/sessions?limit=2")).map((page) => page.length),
      [2, 2, 1],
    );
    t.deepEqual((await pages(replica, ann, "/sessions?limit=3")).flat(), started);
    t.deepEqual((await pages(replica, ann, "/sessions?limit=1")).flat(), started);
    t.deepEqual((await pages(replica, ann, "/sessions?limit=2&order=newest")).flat(), started.toReversed());
  }
  const inCall = await pages(fleet.replicas[1], ann, "/calls/even/sessions?limit=2");
  t.is(inCall.flat().length, 3);
  t.deepEqual((await pages(fleet.replicas[2], ann, "/sessions?call_id=even&limit=9")).flat(), inCall.flat());
});

test("sessions are shown as their owner shows them, and the query is judged once", async (t) => {
  const [first, second] = t.context.fleet.replicas;
  const ann = user("annie");
  const { session_id } = await first.start({ config: { a: "1" } }, ann);
  const { body } = await second.ask("/sessions", { headers: ann });
  t.deepEqual(ids(body.sessions), [session_id]);
  t.like(body.sessions[0], { config: { a: "1" }, created_by: "annie" });
  for (const query of ["limit=0", "cursor=nonsense", "state=ended", "order=best"]) {
    t.is((await second.ask(`/sessions?${query}`, { headers: ann })).status, 422);
  }
  t.is((await second.ask("/sessions", { method: "HEAD", headers: ann })).status, 200);
});

test("replicas that cannot be asked are named", async (t) => {
  const { fleet } = t.context;
  const ann = user("anne");
  const started = await populate(fleet, ann, 3);
  const [first, second, third] = fleet.replicas;
  second.cut();
  const { status, body, headers } = await first.ask("/sessions", { headers: ann });
  t.is(status, 200);
  t.is(headers.get("greenroom-incomplete"), second.nodeId);
  t.deepEqual(
    ids(body.sessions),
    started.filter((id) => !second.launcher.getSession(id)),
  );
  fleet.store.expire(second.nodeId);
  const without = await third.ask("/sessions", { headers: ann });
  t.is(without.headers.get("greenroom-incomplete"), null);
  t.deepEqual(without.body.sessions.length, body.sessions.length);
});

const page = (places: readonly number[], more: boolean): Page => ({
  rows: places.map((startedAt) => ({ startedAt, id: String(startedAt), json: `{"at":${startedAt}}` })),
  more,
});
const places = ({ rows, more }: Page) => [
  ...rows.map(({ startedAt }) => startedAt),
  ...(more ? ["more"] : []),
];

test("pages are merged as far as all of them are known", (t) => {
  const merged = (pages: readonly Page[], limit: number) =>
    places(mergedPage(pages, limit, inOrder("oldest")));
  t.deepEqual(merged([page([1, 4], false), page([2, 3], false)], 10), [1, 2, 3, 4]);
  t.deepEqual(merged([page([1, 4], false), page([2, 3], false)], 4), [1, 2, 3, 4]);
  t.deepEqual(merged([page([1, 4], false), page([2, 3], false)], 3), [1, 2, 3, "more"]);
  // What follows 2 may be before 3 and 9.
  t.deepEqual(merged([page([1, 2], true), page([3, 9], false)], 10), [1, 2, "more"]);
  t.deepEqual(merged([page([1, 8], true), page([3, 9], true)], 10), [1, 3, 8, "more"]);
  t.deepEqual(merged([page([], false), page([], false)], 10), []);
  const newest = mergedPage([page([4, 1], true), page([3, 2, 0], false)], 10, inOrder("newest"));
  t.deepEqual(places(newest), [4, 3, 2, 1, "more"]);
});
