import { access, constants, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { readWav } from "../../audio/wav.ts";
import { dial } from "../../providers/memory/dial.ts";
import { writeConversation } from "../../providers/memory/recorded-caller.ts";
import type { Playback, Recording, TestCall } from "../../providers/memory/test-call.ts";
import { within } from "../../shared/deadline.ts";
import { type InMemoryCall, now } from "../../shared/protocol.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { UsageError } from "../commands/usage-error.ts";
import { paintFor } from "../terminal/paint.ts";
import { PlainPrintout } from "../terminal/printout.ts";
import type { ConsoleCaller } from "./caller.ts";
import type { ConsoleConversation } from "./console-conversation.ts";
import { ParticipantTurns } from "./participant-turns.ts";

export interface RecordedCallOptions {
  /** The caller's speech: a WAV file of 16-bit PCM. */
  readonly wav: string;
  /**
   * The path to write the conversation to, as a stereo WAV file: the caller left, the agent right. Default: it is not
   * written.
   */
  readonly out?: string | undefined;
  /** The speed of the call, as a multiple of real time. Default 1, which services over a network need. */
  readonly speed?: number | undefined;
}

/**
 * The time that an agent which has joined may take to begin a greeting, in milliseconds: enough for a slow model and a slow
 * voice.
 */
const greetingWaitMs = 3_000;
/** The pause before the caller speaks, and the one after the last answer before they hang up, in milliseconds. */
const pauseMs = 1_500;
/**
 * The time that the last words may take to become a turn, in milliseconds: recognisers wait for 5 s where they are unsure.
 */
const hearingTimeoutMs = 10_000;
/** The time that words may take to become a turn where the recording is silent, in milliseconds. */
const silenceTimeoutMs = 2_000;
const answerTimeoutMs = 120_000;
/** The part of the last sound that may be too faint for a recogniser, such as a breath or the room, in milliseconds. */
const faintMs = 300;
/** The time that an agent may take to leave once the caller has hung up, in milliseconds. */
const leaveTimeoutMs = 5_000;

/** One call whose caller is a recording. */
export class RecordedCall implements ConsoleCaller {
  readonly printout = new PlainPrintout();
  readonly interactive = false;
  readonly request: { readonly inMemory: InMemoryCall };
  readonly #sound: PcmFrame;
  readonly #out: string | null;
  readonly #speed: number;
  #failure: string | null = null;

  private constructor(sound: PcmFrame, { out, speed = 1 }: RecordedCallOptions) {
    this.request = { inMemory: { speed } };
    this.#sound = sound;
    this.#out = out ?? null;
    this.#speed = speed;
  }

  /** Reads the files. Rejects with a {@link UsageError} where one cannot be used. */
  static async prepare(options: RecordedCallOptions): Promise<RecordedCall> {
    const sound = await recordingOf(options.wav);
    if (options.out !== undefined) await checkOut(options.out, options.wav);
    return new RecordedCall(sound, options);
  }

  /** Plays the recording, hangs up when the agent has answered, and writes what was said. */
  async talk(conversation: ConsoleConversation, session: Session): Promise<void> {
    using answers = new ParticipantTurns(session);
    const over = conversation.ended;
    using call = await Promise.race([dial(session.id), over.then(() => null)]);
    if (call === null) return;
    const unlessOver = <T>(wait: Promise<T>) => Promise.race([wait, over.then(() => null)]);
    const caller = call.addParticipant("caller");
    await unlessOver(call.joined);
    await conversation.greeting(greetingWaitMs);
    // The caller does not wait for the end of an agent that never stops.
    await unlessOver(call.recording.quiet(pauseMs, answerTimeoutMs).catch(() => null));
    const startedAt = now();
    const playback = await unlessOver(caller.play(this.#sound));
    const endedAt = now();
    if (playback) await unlessOver(this.#answered(answers, call, playback));
    // An agent that left before the end may not have heard all of it.
    if (playback?.complete) this.#judge(answers);
    caller.leave();
    call.hangUp();
    await within(over, leaveTimeoutMs, "The agent's leaving").catch(() => undefined);
    this.#tellHoles(speechGapsMs(session, call.recording));
    await this.#write(call, playback ?? { startedAt, endedAt, complete: false });
  }

  get failure(): string | null {
    return this.#failure;
  }

  close(): void {}

  /** Resolves when the last words are answered, and the agent has been silent for a while. */
  async #answered(
    answers: ParticipantTurns,
    { recording }: TestCall,
    { startedAt }: Playback,
  ): Promise<void> {
    const lastSoundMs = lastSound(this.#sound);
    const spokenUntil = (startedAt ?? now()) + ((lastSoundMs ?? 0) - faintMs) / this.#speed;
    const heardBy = now() + (lastSoundMs === null ? silenceTimeoutMs : hearingTimeoutMs);
    const answeredBy = now() + answerTimeoutMs;
    while (now() < answeredBy) {
      const waitMs = answers.underWay ? answeredBy - now() : heardBy - now();
      if (waitMs > 0 && (answers.underWay || answers.lastHeardAt < spokenUntil)) {
        await answers.changed(waitMs);
        continue;
      }
      const { turns } = answers;
      await recording.quiet(pauseMs, answeredBy - now()).catch(() => undefined);
      if (!answers.underWay && answers.turns === turns) return;
    }
  }

  /**
   * Reports gaps in the agent's speech, unless the call runs in real time: there a gap is the service's, and in the
   * metrics.
   */
  #tellHoles(ms: number): void {
    if (this.#speed === 1 || ms === 0) return;
    const holes = `What the agent said has holes of ${(ms / 1_000).toFixed(1)} s`;
    const { yellow } = paintFor(process.stderr);
    process.stderr.write(yellow(`${holes}: it cannot keep up with --speed ${this.#speed} here.\n`));
  }

  #judge({ turns, answered }: ParticipantTurns): void {
    if (answered > 0) return;
    const peak = peakOf(this.#sound);
    const loudness = peak === 0 ? "it is silent" : `its peak is ${decibels(peak)} dBFS`;
    this.#failure = turns > 0 ? "no turn was answered" : `nothing of the recording was heard: ${loudness}`;
  }

  async #write(call: TestCall, { startedAt, endedAt, complete }: Playback): Promise<void> {
    if (this.#out === null) return;
    const { samples, sampleRate } = this.#sound;
    const playedMs = ((endedAt ?? 0) - (startedAt ?? 0)) * this.#speed;
    const played = complete ? samples : samples.subarray(0, Math.round((playedMs * sampleRate) / 1_000));
    await writeConversation(
      call,
      { samples: played, sampleRate },
      { startedAt, endedAt, complete },
      this.#out,
    );
    const spokeForS = (call.recording.durationMs / 1_000).toFixed(1);
    this.printout.line(
      `${this.#out}: the caller on the left, the agent on the right; the agent spoke for ${spokeForS} s`,
    );
  }
}

async function recordingOf(path: string): Promise<PcmFrame> {
  const sound = await readWav(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--wav: ${fileTrouble(error, path)}`);
  });
  if (sound.samples.length === 0) throw new UsageError(`--wav: ${path} holds no sound`);
  return sound;
}

async function checkOut(out: string, wav: string): Promise<void> {
  if (resolve(out) === resolve(wav))
    throw new UsageError("--out would overwrite the recording of --wav: name another file");
  try {
    const found = await stat(out).catch(() => null);
    if (found?.isDirectory()) throw new UsageError(`--out: ${out} is a folder`);
    await access(found ? out : dirname(resolve(out)), constants.W_OK);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--out: ${fileTrouble(error as NodeJS.ErrnoException, dirname(resolve(out)))}`);
  }
}

function fileTrouble({ code, message }: NodeJS.ErrnoException, path: string): string {
  switch (code) {
    case "ENOENT":
      return `there is no ${path}`;
    case "EISDIR":
      return `${path} is a folder`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `${path} may not be used: ${code}`;
    default:
      return message;
  }
}

const fullScale = 32_768;

/** Returns the loudest sample, 0 to 32,768. */
const peakOf = ({ samples }: PcmFrame): number =>
  samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

const decibels = (sample: number): string =>
  String(Math.round(20 * Math.log10(sample / fullScale))).replace("-", "−");

/** The loudness of 20 ms from which on they count as sound: the root mean square of 16-bit samples. */
const soundLevel = 200;

/** Returns the end of the last sound in a recording, in milliseconds; null where there is none. */
function lastSound({ samples, sampleRate }: PcmFrame): number | null {
  const length = Math.round(sampleRate / 50);
  for (let end = samples.length; end > 0; end -= length) {
    const piece = samples.subarray(Math.max(0, end - length), end);
    const energy = piece.reduce((sum, sample) => sum + sample * sample, 0);
    if (Math.sqrt(energy / piece.length) > soundLevel) return (end * 1_000) / sampleRate;
  }
  return null;
}

/** The shortest pause within the agent's speech that counts as a gap, in milliseconds. */
const shortestHoleMs = 300;

/**
 * Returns the time for which the agent fell silent in the middle of what it said, in milliseconds of the call's time.
 */
function speechGapsMs(session: Session, recording: Recording): number {
  const begun = new Map<string, number>();
  const speeches: { readonly from: number; readonly until: number }[] = [];
  session.events
    .subscribe(0, ({ event }) => {
      if (event.type === "transcript" && event.role === "agent" && !begun.has(event.turnId)) {
        begun.set(event.turnId, event.at);
      } else if (event.type === "turn") {
        const from = begun.get(event.turnId);
        if (from !== undefined) speeches.push({ from, until: event.at });
      }
    })
    .unsubscribe();
  return recording
    .gaps(shortestHoleMs)
    .filter(({ at, ms }) =>
      speeches.some(({ from, until }) => from <= at && at + ms / recording.speed <= until),
    )
    .reduce((sum, { ms }) => sum + ms, 0);
}
