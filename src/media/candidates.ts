/** An ICE candidate as it is sent in signalling. */
export interface CandidateText {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** The largest number of candidates that are held; more than any SFU sends before its description. */
const maxHeld = 64;

/**
 * The remote candidates of one connection. Each belongs to a description, by its ICE user name fragment: a
 * candidate that precedes its description is held, one of a past description is dropped.
 */
export class RemoteCandidates {
  readonly #add: (candidate: CandidateText) => Promise<void>;
  #current: string | null = null;
  readonly #past = new Set<string>();
  #held: { readonly candidate: CandidateText; readonly fragment: string | null }[] = [];

  constructor(add: (candidate: CandidateText) => Promise<void>) {
    this.#add = add;
  }

  /** Adds a candidate, given as JSON. It never rejects, and ignores what is not a candidate. */
  async add(json: string): Promise<void> {
    const candidate = parse(json);
    if (candidate === null) return;
    const fragment = candidate.usernameFragment ?? / ufrag (\S+)/.exec(candidate.candidate)?.[1] ?? null;
    if (fragment !== null && this.#past.has(fragment)) return;
    if (this.#current !== null && (fragment === null || fragment === this.#current)) {
      await this.#add(candidate).catch(() => {});
      return;
    }
    this.#held.push({ candidate, fragment });
    if (this.#held.length > maxHeld) this.#held.shift();
  }

  /** Takes note of a remote description, and adds the candidates that were held for it. It never rejects. */
  async describe(sdp: string): Promise<void> {
    const fragment = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? null;
    if (fragment === null) return;
    if (this.#current !== null && this.#current !== fragment) this.#past.add(this.#current);
    this.#past.delete(fragment);
    this.#current = fragment;
    const ready = this.#held.filter((held) => held.fragment === null || held.fragment === fragment);
    this.#held = this.#held.filter((held) => !ready.includes(held));
    for (const { candidate } of ready) await this.#add(candidate).catch(() => {});
  }
}

function parse(json: string): CandidateText | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = value as Record<string, unknown>;
  // An empty candidate ends the list, upon which werift gives up before the local candidates are complete.
  if (typeof candidate !== "string" || candidate.trim() === "") return null;
  // A name that only the local network can resolve would make werift query the whole network.
  if (/ \S+\.local /.test(candidate)) return null;
  return {
    // werift compares the generation with a count of its own.
    candidate: candidate.replace(/ generation \d+/, ""),
    sdpMid: typeof sdpMid === "string" ? sdpMid : null,
    // All sections share one connection, so that the first one does.
    sdpMLineIndex: typeof sdpMLineIndex === "number" ? sdpMLineIndex : 0,
    usernameFragment:
      typeof usernameFragment === "string" && usernameFragment !== "" ? usernameFragment : null,
  };
}
