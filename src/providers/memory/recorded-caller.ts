import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { resample } from "../../audio/resampler.ts";
import { writeWav } from "../../audio/wav.ts";
import { type Playback, soundOf, type TestCall } from "./test-call.ts";

/** The options of a caller that is a recording. */
export interface RecordedCallerOptions {
  /** The caller's speech: the path of a WAV file, or sound. */
  readonly wav: PcmFrame | string | URL;
  /**
   * The path to which the conversation is written, as a stereo WAV file with the caller on the left and the agent on
   * the right.
   * @default none is written
   */
  readonly out?: string | URL;
  /**
   * The caller's id.
   * @default caller
   */
  readonly participantId?: string;
  /**
   * Says whether the caller first waits for the agent's greeting, until the agent was silent for a second.
   * @default true
   */
  readonly waitForGreeting?: boolean;
  /**
   * The silence of the agent after the caller's last word, upon which the caller hangs up, in milliseconds.
   * @default 5000
   */
  readonly quietMs?: number;
}

/**
 * Plays a recording into a call as its caller. The agent answers, and the caller hangs up. It resolves after
 * that.
 */
export async function callAsRecording(call: TestCall, options: RecordedCallerOptions): Promise<void> {
  const { wav, out, participantId = "caller", waitForGreeting = true, quietMs = 5_000 } = options;
  const sound = await soundOf(wav);
  const caller = call.addParticipant(participantId);
  await call.joined;
  if (waitForGreeting) await call.recording.quiet(1_000);
  const playback = await caller.play(sound);
  await Promise.race([call.recording.quiet(quietMs, 600_000), call.left]);
  caller.leave();
  call.hangUp();
  if (out !== undefined) await writeConversation(call, sound, playback, out);
}

/**
 * Writes a conversation as a stereo WAV file: the sound that was played into it on the left, the agent's on
 * the right.
 */
export async function writeConversation(
  { recording }: Pick<TestCall, "recording">,
  sound: PcmFrame,
  { startedAt }: Playback,
  out: string | URL,
): Promise<void> {
  const { sampleRate, speed } = recording;
  const spokenAt = startedAt ?? Number.POSITIVE_INFINITY;
  const from = Math.min(spokenAt, recording.frames[0]?.at ?? spokenAt);
  const agent = recording.timeline(from);
  const begin = Number.isFinite(speed) && startedAt !== null ? (startedAt - from) * speed : 0;
  const { samples } = resample(sound, sampleRate);
  const caller = new Int16Array(Math.round((begin * sampleRate) / 1_000) + samples.length);
  caller.set(samples, caller.length - samples.length);
  await writeWav(out, { samples: caller, sampleRate }, agent);
}
