import { answers } from "./answers.ts";
import type { Broken } from "./broken.ts";
import { cuts } from "./cuts.ts";
import { ends } from "./ends.ts";
import type { Ledger } from "./ledger.ts";
import { limitsPassed } from "./limits-passed.ts";
import type { Observed } from "./observed.ts";
import { places } from "./places.ts";
import { spoken } from "./spoken.ts";

/** The invariants of a whole run. The names are those that a report counts, also where nothing is broken. */
export const invariants = {
  never_told: "Each session that was answered 201 is told to have ended.",
  heard_never_told: "So is each session whose agent was heard in a call.",
  told_differently: "All messages of one end are the same, byte for byte.",
  told_of_nothing: "What is told is signed, and of a session that somebody asked for.",
  told_and_lives: "An agent whose end was told is in no call.",
  live_denied: "No session that lives is answered 404.",
  closed_and_lives: "A session whose close was answered as done is gone within the grace.",
  two_ends: "REST, event streams and webhooks tell the same end.",
  two_places: "One session is in one process at a time.",
  calls_cut: "A call that may move goes on until it is closed, whatever happens to its replica.",
  two_voices: "Nobody hears two agents at once in one call.",
  said_twice: "No sentence of an answer is heard twice.",
  words_lost: "The agent knows all words that the call has taken.",
  not_answered: "Words that the call has taken are answered, whatever happens to its replica.",
  key_started_twice: "One idempotency key begins one session.",
  call_limit_passed: "No call has more agents than it may, for longer than a second.",
  fleet_limit_passed: "The fleet has no more agents than it may, for longer than a second.",
  replica_limit_passed: "No replica has more agents than it may, for longer than a second.",
  refused_with_room: "No start is refused while there is room.",
  wrong_answer: "A start is never answered 500 unless its agent could not be created.",
  stands_still: "The main thread of a replica that is not stopped answers within 5 s.",
  replica_died: "No replica ends by itself.",
  not_healed: "Once nothing is wrong any more, all replicas serve and know each other.",
  not_at_rest: "At rest, lists, metrics and ledger say the same.",
  not_given_back: "At rest, memory, threads and descriptors are back.",
} as const;

export type Invariant = keyof typeof invariants;

/** All cases that a finished run shows, without those that are found while it goes on. */
export function brokenIn(ledger: Ledger, observed: Observed): readonly Broken[] {
  return [ends, answers, places, cuts, spoken, limitsPassed].flatMap((judge) => judge(ledger, observed));
}
