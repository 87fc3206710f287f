/** A pause in the sound longer than this, in milliseconds, is no hiccup: nothing is sent, as of a muted microphone. */
const gapMs = 240;

/** Silence that follows the last sound in any case, in milliseconds: its speech may not have been noticed yet. */
const tailMs = 1_200;

/**
 * Goes on with silence where the sound stops. Deepgram knows time by sound alone: without silence a turn would never end.
 * It stops when no turn is under way, since silence is paid for too.
 */
export class SilenceFiller {
  readonly #fill: (samples: Int16Array) => void;
  /** True while a turn is under way. */
  wanted = false;
  #timer: NodeJS.Timeout | null = null;
  #silence = new Int16Array(0);
  #filledMs = 0;
  #stopped = false;
  /** Counts the interruptions. */
  #sounds = 0;

  constructor(fill: (samples: Int16Array) => void) {
    this.#fill = fill;
  }

  /** Sound came, of this rate in hertz. */
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

  /** A thread that stood still has sound waiting for it, which is looked for first. */
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
