import type { MessagePort } from "node:worker_threads";
import type { SharedThreadName } from "../../shared/protocol.ts";

/** A port to a shared thread, or the reason why there is none, as the end of a sentence. */
export type SharedThreadPort =
  | { readonly port: MessagePort; readonly refusal: "" }
  | { readonly port: null; readonly refusal: string };

/** A thread that all sessions share, as slots use it. */
interface ThreadOfSlots {
  /** Returns a port for the thread in the slot of this number, or the reason why there is none. */
  connect(slot: number): SharedThreadPort;
}

/** The threads that all sessions of the process share, as slots use them. */
export interface SharedThreadsOfSlots extends Readonly<Record<SharedThreadName, ThreadOfSlots>> {
  /** `model` is the name of the recogniser's model; null where there is none. */
  readonly recogniser: ThreadOfSlots & { readonly model: string | null };
  /** `offered` is true where packets come through the media port. */
  readonly media: ThreadOfSlots & { readonly offered: boolean };
}
