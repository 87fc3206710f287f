/** A piece of sound: mono, 16-bit signed samples. */
export interface PcmFrame {
  readonly samples: Int16Array;
  /** The sample rate, in hertz. */
  readonly sampleRate: number;
}
