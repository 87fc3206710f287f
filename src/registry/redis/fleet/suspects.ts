import { setTimeout as sleep } from "node:timers/promises";
import type { PeerNode, RegistryHooks } from "../../registry.ts";
import { declareDead, vouch } from "../scripts/nodes.ts";
import type { Script } from "../scripts/script.ts";
import { parseOwner, parsePeer } from "../sessions/records.ts";

/**
 * The time that all nodes have to vouch for a suspect before it is declared dead, in milliseconds. One at whose address nobody listens
 * is dead for all, and declared so at once.
 */
const suspectMs = 1_500;
/** The time that is waited beyond that, in milliseconds, since it is counted in whole milliseconds. */
const marginMs = 20;
/** The time after which a node that reaches nobody takes the others for dead, in milliseconds. */
const doubtMs = 600_000;
/** The most peers that are asked to learn whether it is this node that is cut off. */
const mostWitnesses = 3;

export interface SuspectsOptions {
  readonly run: (script: Script, args: readonly (string | number)[]) => Promise<unknown>;
  readonly leaseMs: number;
  readonly hooks: Pick<RegistryHooks, "liveness" | "unreached">;
  /** Called when a node was declared dead, and its sessions and messages are to be taken over. */
  readonly declared: () => void;
}

/** A node whose lease has ended. */
interface Suspect {
  readonly owner: string;
  /** The node as a peer; null where nothing is known of it, so that it cannot be asked. */
  readonly peer: PeerNode | null;
  readonly forMs: number;
}

/**
 * Judges nodes whose lease has ended. Each is asked at its address: a node that lives, and only cannot reach Redis,
 * gets another lease. The others are declared dead, which is final. A node that reaches no other node may be cut off
 * itself. It declares nobody dead until it reaches one, or until ten minutes are over.
 */
export class Suspects {
  readonly #options: SuspectsOptions;
  #judging = false;
  /** True once it was reported that no other node can be reached. */
  #isUnreachedTold = false;

  constructor(options: SuspectsOptions) {
    this.#options = options;
  }

  /**
   * Judges the suspects that the script `beat` answered, each as node#epoch, its state, and for how many milliseconds
   * it is one. Never waits.
   */
  judge(flat: readonly string[], peers: readonly PeerNode[]): void {
    if (flat.length === 0) this.#isUnreachedTold = false;
    if (this.#judging || flat.length === 0) return;
    this.#judging = true;
    const suspects = parseSuspects(flat);
    // Where Redis fails meanwhile, the next heartbeat brings the same suspects.
    void this.#judge(suspects, peers)
      .catch(() => undefined)
      .finally(() => {
        this.#judging = false;
      });
  }

  async #judge(suspects: readonly Suspect[], peers: readonly PeerNode[]): Promise<void> {
    const { run, leaseMs, hooks } = this.#options;
    const begunAt = performance.now();
    const asked = await Promise.all(
      suspects.map(async (suspect) => ({
        ...suspect,
        liveness: suspect.peer ? await hooks.liveness(suspect.peer) : "unasked",
      })),
    );
    for (const { owner, liveness } of asked) if (liveness === "alive") await run(vouch, [owner, leaseMs]);
    const dead = asked.filter(({ liveness }) => liveness !== "alive");
    const inContact = asked.some(({ liveness }) => liveness !== "silent");
    const others = peers.filter(({ nodeId }) => !suspects.some(({ peer }) => peer?.nodeId === nodeId));
    const isSure = inContact || dead.length === 0 || (await this.#reachesOneOf(others));
    if (!isSure) this.#tellUnreached(suspects);
    const certain = dead.filter(({ forMs }) => isSure || forMs >= doubtMs);
    const gone = certain.filter(({ liveness }) => liveness === "gone");
    const unheard = certain.filter(({ liveness }) => liveness !== "gone");
    await this.#declare(gone, 0);
    if (unheard.length === 0) return;
    const leftMs = suspectMs - Math.min(...unheard.map(({ forMs }) => forMs)) - (performance.now() - begunAt);
    if (leftMs > 0) await sleep(leftMs + marginMs, undefined, { ref: false });
    await this.#declare(unheard, suspectMs);
  }

  /** Declares processes dead that have been suspects for this many milliseconds. */
  async #declare(suspects: readonly Suspect[], afterMs: number): Promise<void> {
    const { run, leaseMs, declared } = this.#options;
    let isAnyDeclared = false;
    for (const { owner } of suspects)
      if ((await run(declareDead, [owner, afterMs, leaseMs])) === 1) isAnyDeclared = true;
    if (isAnyDeclared) declared();
  }

  async #reachesOneOf(others: readonly PeerNode[]): Promise<boolean> {
    const answers = others.slice(0, mostWitnesses).map(async (peer) => {
      if ((await this.#options.hooks.liveness(peer)) !== "alive") throw new Error("It did not answer");
    });
    return Promise.any(answers).then(
      () => true,
      () => false,
    );
  }

  #tellUnreached(suspects: readonly Suspect[]): void {
    if (this.#isUnreachedTold) return;
    this.#isUnreachedTold = true;
    this.#options.hooks.unreached(suspects.map(({ owner }) => parseOwner(owner).nodeId));
  }
}

function parseSuspects(flat: readonly string[]): Suspect[] {
  return Array.from({ length: flat.length / 3 }, (_, index) => {
    const [owner = "", state = "", forMs = "0"] = flat.slice(index * 3, index * 3 + 3);
    return { owner, peer: state === "" ? null : parsePeer(owner, state), forMs: Number(forMs) };
  });
}
