/** The faults in a call of this bench. */
export type StreamFault = "socket" | "socket_and_path" | "forgotten" | "silence" | "media";

/** A request to the process with the fake Stream. Calls are of the type `default`. */
export type StreamOrder =
  /** Lets somebody join who hears the agent, and with `speaks` talks all the time. */
  | { readonly type: "listen"; readonly callId: string; readonly speaks?: boolean }
  /** Asks when the agent was first heard by whoever listens. */
  | { readonly type: "first_heard"; readonly callId: string }
  /** Lets something go wrong for the agent; tells what became of it. */
  | { readonly type: "fault"; readonly callId: string; readonly fault: StreamFault }
  /** Packets that are lost from here on, in percent, each way. */
  | { readonly type: "loss"; readonly percent: number }
  /** Asks how the agent's sound arrives. */
  | { readonly type: "sound"; readonly callId: string };

export interface FaultResult {
  /** The time until the agent asked for another socket, in milliseconds. */
  readonly noticedMs: number;
  /** The time from then on until its sound came again. */
  readonly gapMs: number;
  /** The longest time without a packet of it, from the fault on. */
  readonly silenceMs: number;
}

export interface SoundResult {
  readonly at: number;
  /** The agent's packets that the SFU received. */
  readonly packets: number;
  /**
   * The time by which the clock of its sound is ahead of this machine's, in milliseconds, as the median of some seconds.
   */
  readonly aheadMs: number;
  /** Frames of 20 ms that were heard of it. */
  readonly frames: number;
}

export interface OrderResults {
  readonly listen: null;
  readonly first_heard: number;
  readonly fault: FaultResult;
  readonly loss: null;
  readonly sound: SoundResult;
}

export type ToFake = { readonly id: number; readonly order: StreamOrder };
export type FromFake =
  | { readonly type: "ready"; readonly environment: Readonly<Record<string, string>> }
  | { readonly type: "done"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly message: string };
