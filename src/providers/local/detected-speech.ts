import { AsyncQueue } from "../../agent/async-queue.ts";
import type { SpeechEvent, SpeechStream } from "../../agent/stt.ts";
import { TurnDetector, type TurnDetectorOptions } from "../../audio/detection/turn-detector.ts";
import type { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { durationMs } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { now } from "../../shared/protocol.ts";

/** The turns of one participant without words: when they spoke, and for how long. 2 % of a core while it is loud. */
export class DetectedSpeech implements SpeechStream {
  readonly #events = new AsyncQueue<SpeechEvent>();
  readonly #activity: VoiceActivity;
  readonly #detector: TurnDetector;
  readonly #signal: AbortSignal;
  readonly #end = () => this.#stop();
  #audioDurationMs = 0;
  #open = true;

  constructor(activity: VoiceActivity, options: TurnDetectorOptions, signal: AbortSignal) {
    this.#activity = activity;
    this.#detector = new TurnDetector((frame) => activity.isVoice(frame), options);
    this.#signal = signal;
    signal.addEventListener("abort", this.#end, { once: true });
  }

  get audioDurationMs(): number {
    return this.#audioDurationMs;
  }

  write(frame: PcmFrame): void {
    if (!this.#open) return;
    this.#audioDurationMs += durationMs(frame);
    for (const event of this.#detector.push(frame, now())) {
      this.#events.push(event.type === "ended" ? { ...event, text: "" } : event);
    }
  }

  async close(): Promise<void> {
    this.#stop();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  #stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#signal.removeEventListener("abort", this.#end);
    this.#activity.free();
    this.#events.end();
  }
}
