import test from "ava";
import type { Rank, RecognitionRequest } from "../../../src/providers/local/recognition/messages.ts";
import { RequestQueue } from "../../../src/providers/local/recognition/request-queue.ts";

const ask = (id: number, rank: Rank): RecognitionRequest => ({
  type: "recognise",
  id,
  rank,
  samples: new Int16Array(0),
});

/** Returns what is taken out, until nothing is left. */
function drained(queue: RequestQueue<string>): string[] {
  const order: string[] = [];
  for (let job = queue.next(); job !== null; job = queue.next())
    order.push(`${job.listener}${job.request.id}`);
  return order;
}

test("ends of turns come first, guesses then, captions last, each in the order of asking", (t) => {
  const queue = new RequestQueue<string>();
  queue.add("a", ask(1, "caption"));
  queue.add("b", ask(2, "guess"));
  queue.add("c", ask(3, "turn"));
  queue.add("d", ask(4, "guess"));
  queue.add("e", ask(5, "turn"));
  t.true(queue.hasMoreUrgent("caption"));
  t.false(queue.hasMoreUrgent("turn"));
  t.deepEqual(drained(queue), ["c3", "e5", "b2", "d4", "a1"]);
  t.false(queue.hasMoreUrgent("caption"));
});

test("of a listener the newest guess or caption waits, and every end of a turn, up to eight", (t) => {
  const queue = new RequestQueue<string>();
  const ids = (requests: RecognitionRequest[]) => requests.map(({ id }) => id);
  t.deepEqual(ids(queue.add("a", ask(1, "caption"))), []);
  t.deepEqual(ids(queue.add("a", ask(2, "caption"))), [1]);
  t.deepEqual(ids(queue.add("a", ask(3, "guess"))), [2]);
  t.deepEqual(ids(queue.add("a", ask(4, "caption"))), [4], "a guess tells more");
  t.deepEqual(ids(queue.add("a", ask(5, "turn"))), [3], "it is a part of the turn");
  t.deepEqual(ids(queue.add("a", ask(6, "guess"))), [], "of the next turn");
  for (let id = 7; id < 14; id += 1) queue.add("a", ask(id, "turn"));
  t.deepEqual(ids(queue.add("a", ask(14, "turn"))), [5]);
  t.is(drained(queue).length, 8);
});

test("whoever is gone is not served", (t) => {
  const queue = new RequestQueue<string>();
  queue.add("a", ask(1, "turn"));
  queue.add("b", ask(2, "caption"));
  queue.forget("a");
  t.deepEqual(drained(queue), ["b2"]);
});
