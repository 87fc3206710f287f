import { EnergyGate } from "../../audio/detection/energy-gate.ts";
import { level } from "../../audio/pcm.ts";

/** The quiet after which somebody else may take the floor, in frames of 20 ms. */
const quietFrames = 40;

/**
 * Lets one voice at a time through to a model that hears a single stream of sound, so that it is known who said what it heard.
 * The first who is loud has the floor until they are quiet; else whoever had it last is heard, silence included.
 */
export class FloorGate {
  readonly #gates = new Map<string, EnergyGate>();
  #holder: string | null = null;
  #quiet = 0;

  /** Returns the participant who is heard, or was last; null where nobody was yet. */
  get holder(): string | null {
    return this.#holder;
  }

  /** Returns the participants whose sound has come. */
  get participants(): Iterable<string> {
    return this.#gates.keys();
  }

  /** Returns whether this frame of 20 ms is to be heard. */
  admits(participantId: string, samples: Int16Array): boolean {
    let gate = this.#gates.get(participantId);
    if (gate === undefined) {
      gate = new EnergyGate();
      this.#gates.set(participantId, gate);
    }
    const loud = gate.isOpen(level(samples));
    this.#holder ??= participantId;
    if (this.#holder === participantId) this.#quiet = loud ? 0 : this.#quiet + 1;
    else if (loud && this.#quiet >= quietFrames) {
      this.#holder = participantId;
      this.#quiet = 0;
    }
    return this.#holder === participantId;
  }

  participantLeft(participantId: string): void {
    this.#gates.delete(participantId);
    if (this.#holder !== participantId) return;
    const [next = null] = this.#gates.keys();
    this.#holder = next;
    this.#quiet = quietFrames;
  }
}
