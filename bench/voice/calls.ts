import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "greenroom";
import * as testing from "greenroom/testing";
import { supervisorOf } from "../../src/agent-launcher.ts";
import type { TurnEvent } from "../../src/shared/session/agent-event.ts";
import type { Stage } from "./stage.ts";
import type { WireTimes } from "./wire-times.ts";

export interface CallsOptions {
  /** Calls at the same time. */
  readonly calls: number;
  /** Turns of each. */
  readonly turns: number;
  readonly eager?: boolean;
  /** The caller does not wait for the end of an answer. */
  readonly bargeIn?: boolean;
}

/** One turn, by the clocks of the services and of the edge. Epoch milliseconds. */
export interface TurnTimes {
  /** The place of the caller in its call, from 0. */
  readonly place: number;
  readonly startAt: number;
  readonly endAt: number;
  readonly lastSpeechAt: number;
  /** The first words that cut an agent were sent. */
  readonly wordsAt: number;
  readonly answer: WireTimes["answers"][number];
  readonly speech: WireTimes["speeches"][number];
  /** The first frame of the answer. */
  readonly firstFrameAt: number;
  /** The first frame that ended quieter after the turn had begun and before it ended; null where there was none. */
  readonly quieterFrameAt: number | null;
  /** The last frame of the answer before this turn, where it was cut by it. */
  readonly lastFrameBeforeAt: number | null;
}

export interface CallsResult {
  readonly turns: readonly TurnTimes[];
  /** The turns as the server itself measured them. */
  readonly told: readonly TurnEvent[];
  /** The time that one way to the services really took, in milliseconds. */
  readonly oneWayMs: number;
}

/** A word, for a recogniser that listens for loudness. In milliseconds. */
const wordMs = 100;
/** The length of a word with more words behind it, in milliseconds: the recogniser tells the second after 480 ms. */
const severalWordsMs = 600;

/** Lets so many callers talk to agents, and gathers the times of all that happened. */
export async function talk(stage: Stage, options: CallsOptions): Promise<CallsResult> {
  const { launcher } = stage;
  const supervisor = await supervisorOf(launcher);
  await supervisor.reserveWhole();
  stage.reply(options.bargeIn ? "long" : "short");
  const calls = await Promise.all(
    Array.from({ length: options.calls }, async (_, index) => {
      const config = { eager: options.eager ?? false };
      const session = await launcher.startSession({ callId: `voice-${index}`, config });
      const line = await testing.dial(session.id);
      await line.joined;
      return new Caller(session, line);
    }),
  );
  // The threads that replace those in use have started, too.
  await supervisor.reserveWhole();
  await sleep(500);
  await stage.take();
  await Promise.all(calls.map((call) => call.talk(options)));
  const { calls: seen, oneWayMs } = await stage.take();
  await Promise.all(calls.map((call) => call.end()));
  return {
    turns: calls.flatMap((call) => call.timesOf(seen)),
    told: calls.flatMap(({ turns }) => turns),
    oneWayMs,
  };
}

class Caller {
  readonly turns: TurnEvent[] = [];
  readonly #session: Session;
  readonly #line: testing.DialedCall;
  readonly #caller: testing.TestParticipant;
  readonly #changes = new EventTarget();
  #connection: number | null = null;

  constructor(session: Session, line: testing.DialedCall) {
    this.#session = session;
    this.#line = line;
    this.#caller = line.addParticipant("caller");
    session.events.subscribe(0, ({ event }) => {
      if (event.type === "turn") this.turns.push(event);
      if (event.type === "transcript" && event.role === "user" && event.final) {
        this.#connection ??= Number(/call(\d+)/.exec(event.text ?? "")?.[1]);
      }
      this.#changes.dispatchEvent(new Event("change"));
    });
    line.recording.subscribe(() => this.#changes.dispatchEvent(new Event("change")));
  }

  async talk({ turns, bargeIn = false }: CallsOptions): Promise<void> {
    const { frames } = this.#line.recording;
    // Not all in step.
    await sleep(Math.random() * 1_000);
    for (let turn = 0; turn < turns; turn += 1) {
      const before = this.turns.length;
      await this.#caller.play(testing.tone(400, bargeIn ? severalWordsMs : wordMs));
      if (!bargeIn) {
        await this.#until(() => this.turns.length > before, "the end of a turn");
        await this.#caller.pause(40);
        continue;
      }
      // The turn before has ended by what was said, and now sounds the answer to it.
      if (turn > 0) await this.#until(() => this.turns.length > before, "the end of the turn before");
      const since = frames.length;
      await this.#until(() => frames.length > since, "an answer");
      await this.#caller.pause(200 + Math.random() * 100);
    }
    await this.#until(() => this.#connection !== null, "the caller's words");
  }

  async end(): Promise<void> {
    this.#line.hangUp();
    await this.#session.ended;
    this.#line.close();
  }

  timesOf(seen: ReadonlyMap<number, WireTimes>): TurnTimes[] {
    const wire = seen.get(this.#connection ?? -1);
    if (wire === undefined) throw new Error(`The services know no call ${this.#connection}`);
    const { frames } = this.#line.recording;
    return wire.ends.flatMap(({ at: endAt, lastSpeechAt }, place): TurnTimes[] => {
      const startAt = wire.starts[place];
      const wordsAt = wire.words[place]?.at;
      const speech = wire.speeches[place];
      const answer = wire.answers[place];
      const firstFrameAt = frames.find(({ at }) => at >= endAt)?.at;
      if (
        startAt === undefined ||
        wordsAt === undefined ||
        speech === undefined ||
        answer === undefined ||
        firstFrameAt === undefined
      ) {
        throw new Error(`Turn ${place} of call ${this.#connection} is not known as a whole`);
      }
      const quieter = frames.find(({ at, samples }) => at >= startAt && at < endAt && endsQuietly(samples));
      return [
        {
          place,
          startAt,
          endAt,
          lastSpeechAt,
          wordsAt,
          answer,
          speech,
          firstFrameAt,
          quieterFrameAt: quieter?.at ?? null,
          lastFrameBeforeAt: frames.findLast(({ at }) => at < endAt)?.at ?? null,
        },
      ];
    });
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const signal = AbortSignal.timeout(15_000);
    while (!condition()) {
      await once(this.#changes, "change", { signal }).catch(() => {
        const { state, endReason } = this.#session;
        throw new Error(`Within 15 s there was not ${what}; the session is ${endReason ?? state}`);
      });
    }
  }
}

/**
 * Returns whether the second half of a frame is quieter than the voice of the emulator ever is: its tones reach 6,000,
 * and within 10 ms there always is one. A frame in which the agent becomes 12 dB quieter reaches 3,750 there.
 */
function endsQuietly(samples: Int16Array): boolean {
  return samples.subarray(samples.length / 2).every((sample) => Math.abs(sample) < 4_500);
}
