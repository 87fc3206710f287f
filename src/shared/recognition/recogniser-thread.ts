import type { MessagePort } from "node:worker_threads";

/** Main thread → the thread that recognises speech: the port of a listener in the session thread of this slot. */
export interface ToRecogniserThread {
  readonly slot: number;
  readonly port: MessagePort;
}

/** The thread that recognises speech → main thread. Where it cannot load its model, it ends. */
export interface FromRecogniserThread {
  readonly type: "loaded";
  /** The time that loading took, in milliseconds. */
  readonly ms: number;
}
