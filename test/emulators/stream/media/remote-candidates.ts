import type { RTCPeerConnection } from "werift";

interface Candidate {
  readonly candidate?: string;
  readonly usernameFragment?: string | null;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/** Names of `.local` are looked up by multicast, which has no place here; the browser's own checks find the way without. */
export const withoutLocalNames = (sdp: string): string => sdp.replace(/^a=candidate:.*\.local .*\r?\n/gm, "");

/** The client's candidates for one peer connection. Those of a description that has not come yet are kept until it has. */
export class RemoteCandidates {
  readonly #connection: RTCPeerConnection;
  #held: Candidate[] = [];

  constructor(connection: RTCPeerConnection) {
    this.#connection = connection;
  }

  /** Rejects where it is no candidate. */
  async add(json: string): Promise<void> {
    const candidate: Candidate = JSON.parse(json);
    if (candidate.candidate?.includes(".local ")) return;
    if (this.#fits(candidate)) await this.#connection.addIceCandidate(candidate);
    else this.#held.push(candidate);
  }

  /**
   * Adds the candidates that fit a remote description which was set. What still fits none is of one that is still to
   * come, or of the past.
   */
  async described(): Promise<void> {
    const held = this.#held;
    this.#held = held.filter((one) => !this.#fits(one));
    for (const one of held) if (this.#fits(one)) await this.#connection.addIceCandidate(one).catch(() => {});
  }

  #fits({ usernameFragment }: Candidate): boolean {
    const described = this.#connection.remoteDescription?.sdp;
    if (described === undefined) return false;
    const fragments = [...described.matchAll(/^a=ice-ufrag:(\S+)/gm)].map(([, fragment]) => fragment);
    return usernameFragment == null || usernameFragment === "" || fragments.includes(usernameFragment);
  }
}
