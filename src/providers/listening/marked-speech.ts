import type { SpeechEvent, SpeechStream } from "../../agent/stt.ts";
import { detectionRate } from "../../audio/detection/rnnoise.ts";
import { TurnDetector, type TurnDetectorOptions } from "../../audio/detection/turn-detector.ts";
import type { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { Framer, frameLength, frameMs } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { Resampler } from "../../audio/resampler.ts";
import { now } from "../../shared/protocol.ts";
import { SilenceFiller } from "./silence-filler.ts";
import type { StreamedSpeech } from "./speech-stream.ts";

/** The sound before a turn was noticed that is of it, in frames: 400 ms. */
const leadFrames = 400 / frameMs;

/** Gives a stream the turns alone, which are found in the sound on this side, and marks where they begin and end. */
export class MarkedSpeech implements SpeechStream {
  readonly #stream: StreamedSpeech;
  readonly #activity: VoiceActivity;
  readonly #detector: TurnDetector;
  readonly #framer = new Framer(frameLength(detectionRate));
  readonly #silence = new SilenceFiller((samples) => this.#push(samples));
  #resampler = new Resampler(detectionRate, detectionRate);
  #lead: Int16Array[] = [];
  #over = false;

  /** Takes over the stream and the voice activity, and frees both at its end. */
  constructor(stream: StreamedSpeech, activity: VoiceActivity, options: TurnDetectorOptions) {
    this.#stream = stream;
    this.#activity = activity;
    this.#detector = new TurnDetector((frame) => activity.isVoice(frame), options);
    void stream.ended.then(() => this.#free());
  }

  get audioDurationMs(): number {
    return this.#stream.audioDurationMs;
  }

  write({ samples, sampleRate }: PcmFrame): void {
    if (this.#over || samples.length === 0) return;
    if (sampleRate !== this.#resampler.from) this.#resampler = new Resampler(sampleRate, detectionRate);
    this.#silence.interrupt(detectionRate);
    this.#push(this.#resampler.push(samples));
  }

  async close(): Promise<void> {
    this.#silence.stop();
    if (!this.#over && this.#detector.speaking) this.#stream.mark("end");
    await this.#stream.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#stream[Symbol.asyncIterator]();
  }

  #push(samples: Int16Array): void {
    if (this.#over) return;
    for (const frame of this.#framer.push(samples)) this.#take(frame);
  }

  #take(samples: Int16Array): void {
    const sound = { samples, sampleRate: detectionRate };
    const events = this.#detector.push(sound, now());
    if (events.some(({ type }) => type === "started")) {
      this.#stream.mark("start");
      for (const frame of this.#lead) this.#stream.write({ samples: frame, sampleRate: detectionRate });
      this.#lead = [];
    }
    const ended = events.some(({ type }) => type === "ended");
    if (this.#detector.speaking || ended) this.#stream.write(sound);
    else this.#keep(samples);
    if (ended) this.#stream.mark("end");
    this.#silence.wanted = this.#detector.speaking;
  }

  #keep(frame: Int16Array): void {
    this.#lead.push(frame);
    if (this.#lead.length > leadFrames) this.#lead.shift();
  }

  #free(): void {
    if (this.#over) return;
    this.#over = true;
    this.#silence.stop();
    this.#activity.free();
  }
}
