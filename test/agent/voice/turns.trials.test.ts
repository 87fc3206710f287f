import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import type { Message } from "greenroom";
import { trials } from "../../fixtures/trials.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import {
  type AnswerPlan,
  type JournalEntry,
  type SpeakerEvent,
  Storm,
  type StormAction,
  type StormPlan,
} from "../../fixtures/voice/voice-storm.ts";

const who = fc.constantFrom<(0 | 1)[]>(0, 0, 0, 1);
const events: readonly SpeakerEvent[] = [
  ...(["started", "words", "words", "eager", "eager", "resumed", "ended", "ended"] as const),
  ...(["mhm", "error", "fatal"] as const),
];
const action = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ type: fc.constant("speech" as const), who, event: fc.constantFrom(...events) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ type: fc.constant("step" as const), count: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("message" as const, "respond" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("say" as const),
      interrupt: fc.boolean(),
      interruptible: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("leave" as const), who }) },
  { weight: 1, arbitrary: fc.constant<StormAction>({ type: "close" }) },
);
const answer: fc.Arbitrary<AnswerPlan> = fc.record({
  sentences: fc.nat({ max: 3 }),
  calls: fc.constantFrom(0, 0, 0, 1, 2),
  end: fc.constantFrom<AnswerPlan["end"][]>("done", "done", "done", "fail", "ignore-abort"),
});
const plan: fc.Arbitrary<StormPlan> = fc.record({
  actions: fc.array(action, { maxLength: 40 }),
  answers: fc.array(answer, { minLength: 1, maxLength: 4 }),
  voiceFailures: fc.array(fc.constantFrom(null, null, null, 0, 1, 3), { maxLength: 6 }),
  settled: fc.boolean(),
  falseInterruptionMs: fc.constantFrom(3, 10_000, 10_000),
});

/**
 * Frames that may be with the edge and not yet heard: the two sent ahead, the one that sounds, and one burst, which is 3 in
 * life and 10 more in a call that runs 100 times as fast. A machine that is busy needs all of them.
 */
const mostUnheardFrames = 16;

/** The record of one turn. */
interface TurnRecord {
  readonly turnId: string;
  readonly outcome: string;
  /** The place in the journal where its words came. */
  readonly saidAt: number;
  readonly endedAt: number;
  readonly question: string | null;
  /** The words of others while the question was spoken. */
  readonly overheard: string;
  /** The words of the answer that were heard. */
  readonly heard: string;
  /** The words that were said while the agent went on. */
  readonly backchannels: string;
}

const eventsOf = (journal: readonly JournalEntry[]) =>
  journal.flatMap((entry, at) =>
    entry.kind === "event" && "turnId" in entry.event && !("interim" in entry.event)
      ? [{ at, event: entry.event }]
      : [],
  );

function turnsOf(storm: Storm): TurnRecord[] {
  const events = eventsOf(storm.journal);
  const ofTurns = Map.groupBy(events, ({ event }) => event.turnId);
  const ended = events.filter(({ event }) => event.type === "turn");
  const backchannelsOf = (turnId: string) =>
    events.flatMap(({ at, event }) =>
      event.type === "transcript" && event.backchannel
        ? ended.find((end) => end.at > at)?.event.turnId === turnId
          ? [event.text]
          : []
        : [],
    );
  return [...ofTurns].flatMap(([turnId, all]) => {
    // Words that are no turn: a backchannel, or what was said as the call ended.
    if (all.every(({ event }) => event.type === "transcript" && event.role === "user" && event.final))
      return [];
    const ends = all.filter(({ event }) => event.type === "turn");
    // It ends once, and nothing comes after.
    assert.equal(ends.length, 1, turnId);
    assert.equal(all.at(-1)?.event.type, "turn", turnId);
    const spoken = all.filter(({ event }) => event.type === "transcript" && event.role === "user");
    const said = spoken.at(-1);
    const finals = all.filter(
      ({ event }) => event.type === "transcript" && event.role === "agent" && event.final,
    );
    assert.ok(finals.length <= 1, turnId);
    const textOf = (entry: (typeof all)[number] | undefined) =>
      entry?.event.type === "transcript" ? (entry.event.text ?? "") : null;
    const [end] = ends;
    return end?.event.type === "turn"
      ? [
          {
            turnId,
            outcome: end.event.outcome,
            saidAt: spoken[0]?.at ?? end.at,
            endedAt: end.at,
            question: textOf(said),
            overheard: spoken.slice(0, -1).map(textOf).join(""),
            backchannels: backchannelsOf(turnId).join(""),
            heard: textOf(finals[0]) ?? "",
          },
        ]
      : [];
  });
}

/** The text of each speech as far as its frames were sent, and where in the journal the last of them was. */
function soundsOf({ journal, voice }: Storm) {
  const sounds: { readonly speech: number; readonly text: string; sent: number; lastAt: number }[] = [];
  journal.forEach((entry, at) => {
    if (entry.kind !== "frame") return;
    const { speech, place } = entry;
    let sound = sounds.at(-1);
    if (sound?.speech !== speech) {
      // Each speech is one piece.
      assert.ok(!sounds.some((other) => other.speech === speech), "a speech in two pieces");
      sound = { speech, text: voice.speeches[speech]?.text ?? "", sent: 0, lastAt: at };
      sounds.push(sound);
    }
    // Not a character is left out or said twice.
    assert.equal(place, sound.sent);
    sound.sent += 1;
    sound.lastAt = at;
  });
  return sounds;
}

const letters = (text: string) => text.replaceAll(/\s/g, "").length;

/** Checks what must hold whatever happened, and in whatever order. */
async function check(storm: Storm, { settled }: StormPlan) {
  const { journal, hosted, llm, typed } = storm;
  const turns = turnsOf(storm);
  const sounds = soundsOf(storm);

  for (const turn of turns) {
    const asked = llm.asked.filter(({ question }) => question === turn.question);
    const names = asked.map(({ name }) => `Reply ${name}`);
    const own = sounds.filter(({ text }) => names.some((name) => text.includes(name)));
    // Never two replies to one turn.
    assert.ok(
      new Set(own.map(({ text }) => names.find((name) => text.includes(name)))).size <= 1,
      turn.turnId,
    );
    // Never audio after a cut, nor after any other end.
    assert.ok(
      own.every(({ lastAt }) => lastAt < turn.endedAt),
      `${turn.turnId}: sound after its end`,
    );
    if (own.length > 0 || turn.outcome === "done") checkHeard(turn, own, asked.at(-1)?.text ?? null);
    checkShown(turn, turns, asked.at(-1)?.shown);
  }

  if (settled) checkSilence(storm);
  // Nothing that was said is without a trace, and nothing has two.
  const said = eventsOf(journal).flatMap(({ event }) =>
    event.type === "transcript" && event.role === "user" && event.messageId === undefined ? [event.text] : [],
  );
  assert.equal(new Set(said).size, said.length);
  if (settled && !storm.closed) assert.deepEqual(said.toSorted(), storm.said.toSorted());
  assert.deepEqual(
    eventsOf(journal).flatMap(({ event }) =>
      event.type === "transcript" && event.messageId !== undefined ? [event.messageId] : [],
    ),
    typed,
  );

  // Each request is measured; one that was given up before it was made may be too.
  const measured = hosted.measurements.flatMap((one) => (one.kind === "llm" ? [one.outcome] : []));
  // An answer with nothing in it is asked for again within its reply.
  assert.ok(measured.length >= llm.asked.filter(({ text }) => text !== "").length);
  assert.ok(measured.filter((outcome) => outcome !== "cancelled").length <= llm.asked.length);
  if (!storm.closed) await checkConversation(storm, turns);
  await hosted.agent.close();
  await nothingLeft(storm);
}

/** History is what was played. */
function checkHeard(
  { turnId, outcome, heard }: TurnRecord,
  sounds: readonly { readonly text: string; readonly sent: number }[],
  written: string | null,
) {
  if (written !== null) assert.ok(written.startsWith(heard), `${turnId}: "${heard}" of "${written}"`);
  const sent = sounds.map(({ text, sent }) => text.slice(0, sent)).join("");
  if (outcome === "done" && written !== null) {
    assert.equal(heard, written, turnId);
    assert.equal(letters(sent), letters(written), turnId);
  } else if (written !== null) {
    assert.ok(letters(heard) <= letters(sent), `${turnId}: heard "${heard}", sent "${sent}"`);
    assert.ok(
      letters(heard) >= letters(sent) - mostUnheardFrames,
      `${turnId}: heard "${heard}", sent "${sent}"`,
    );
  }
}

/** The answer to a turn was made with all that was heard before it. */
function checkShown(turn: TurnRecord, turns: readonly TurnRecord[], shown: readonly Message[] | undefined) {
  if (shown === undefined || turn.outcome !== "done") return;
  const before = words(turns.filter(({ endedAt }) => endedAt < turn.saidAt));
  assert.equal(spoken(shown), before + turn.overheard, turn.turnId);
}

/** Checks that the agent is silent while somebody has the floor, unless it may not be interrupted. */
function checkSilence({ journal, voice }: Storm) {
  let hushed = false;
  for (const entry of journal) {
    if (entry.kind === "hush" || entry.kind === "free") hushed = entry.kind === "hush";
    if (entry.kind !== "frame" || !hushed) continue;
    assert.match(voice.speeches[entry.speech]?.text ?? "", /^Notice/);
  }
}

/** Checks that the model is shown what was heard. */
async function checkConversation(storm: Storm, turns: readonly TurnRecord[]) {
  const { hosted, llm } = storm;
  hosted.type("What was said?");
  await storm.over(until(() => llm.asked.at(-1)?.question === "What was said?", "the last question"));
  assert.equal(spoken(llm.asked.at(-1)!.shown), words(turns));
}

async function nothingLeft(storm: Storm) {
  await storm.over(Promise.resolve());
  assert.equal(storm.permits, 0);
  assert.ok(storm.stt.streams.every(({ open }) => !open));
  assert.ok(storm.llm.asked.every(({ running }) => running === 0));
  assert.ok(storm.voice.speeches.every(({ making }) => !making));
}

/** Returns all that was said, in order of the turns. */
function words(turns: readonly TurnRecord[]): string {
  return turns
    .toSorted((a, b) => a.endedAt - b.endedAt)
    .map(
      ({ overheard, question, heard, backchannels }) => overheard + (question ?? "") + heard + backchannels,
    )
    .join("");
}

/** Returns all that was said by the conversation that the model is shown. */
function spoken(messages: readonly Message[]): string {
  return messages
    .map((message) => (message.role === "participant" || message.role === "agent" ? message.text : ""))
    .join("");
}

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

test("in whatever order things happen: one reply to a turn, no sound after a cut, history is what was played", async (t) => {
  t.timeout(600_000);
  const before = timers();
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, storming) => {
        const storm = new Storm(scheduler, storming);
        try {
          await storm.run();
          await check(storm, storming);
        } finally {
          await storm.hosted.agent.close();
        }
      }),
      {
        numRuns: trials(40, 400),
        includeErrorInReport: true,
        markInterruptAsFailure: true,
        interruptAfterTimeLimit: 500_000,
      },
    ),
  );
  await until(() => timers() <= before, "the end of all timers");
});
