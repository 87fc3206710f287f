/** The delays of sound. Times are in wall-clock milliseconds. */
export interface ElevenlabsDelays {
  /** The time from the request to the head of the answer and the first sound. */
  firstByteMs: number;
  /** The number of times faster than it is played that sound comes, after the first piece. `Infinity`: all at once. */
  speed: number;
}

/**
 * First byte: 75 ms that the model takes (elevenlabs.io/docs/api-reference/reducing-latency), the network and the queue
 * before it; the speed is what Flash reaches for a sentence.
 */
export const published: ElevenlabsDelays = { firstByteMs: 150, speed: 10 };

/** The delays of about one request in twenty. */
export const slow: ElevenlabsDelays = { firstByteMs: 400, speed: 5 };

export const none: ElevenlabsDelays = { firstByteMs: 0, speed: Number.POSITIVE_INFINITY };
