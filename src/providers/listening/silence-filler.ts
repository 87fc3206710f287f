/** The time without sound after which nothing is being sent, as with a muted microphone, in milliseconds. */
const gapMs = 240;

/**
 * The silence that follows the last sound in any case, in milliseconds, since its speech may not have been
 * detected yet.
 */
const tailMs = 1_200;

/**
 * Continues with silence where the sound stops. Deepgram measures time by sound alone, so that without
 * silence a turn would never end. It stops when no turn is under way, since silence is paid for too.
 */
export class SilenceFiller {
  readonly #fill: (samples: Int16Array) => void;
  /** Says whether a turn is under way. */
  wanted = false;
  #timer: NodeJS.Timeout | null = null;
  #silence = new Int16Array(0);
  #filledMs = 0;
  #stopped = false;
  /** The number of frames of sound so far. */
  #sounds = 0;

  constructor(fill: (samples: Int16Array) => void) {
    this.#fill = fill;
  }

  /** Reports sound of this sample rate, in hertz. */
  interrupt(sampleRate: number): void {
    if (this.#stopped) return;
    const length = Math.round((sampleRate * gapMs) / 1_000);
    if (this.#silence.length !== length) this.#silence = new Int16Array(length);
    this.#filledMs = 0;
    this.#sounds++;
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.#afterGap(), gapMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Fills in silence, unless sound has been waiting while the thread was busy. */
  #afterGap(): void {
    const sounds = this.#sounds;
    setImmediate(() => {
      if (this.#stopped || sounds !== this.#sounds) return;
      if (!this.wanted && this.#filledMs >= tailMs) return;
      this.#filledMs += gapMs;
      this.#timer?.refresh();
      this.#fill(this.#silence);
    });
  }
}
