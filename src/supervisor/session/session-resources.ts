/** The resources that a session's thread uses, seen from outside it. */
export interface SessionResources {
  readonly cpuMs: number;
  readonly heapBytes: number;
  /** The Buffers, wasm memory and the like, and all that its own worker threads hold. */
  readonly externalBytes: number;
  /** The share of the time since the last reading that its event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: number;
}
