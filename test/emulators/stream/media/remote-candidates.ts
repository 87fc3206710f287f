import type { RTCPeerConnection } from "werift";

interface Candidate {
  readonly candidate?: string;
  readonly usernameFragment?: string | null;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/** Names of `.local` would be looked up by multicast. They are left out, since the browser's own checks find the path without them. */
export const withoutLocalNames = (sdp: string): string => sdp.replace(/^a=candidate:.*\.local .*\r?\n/gm, "");

/** The client's candidates for one peer connection. A candidate that precedes its description is held. */
export class RemoteCandidates {
  readonly #connection: RTCPeerConnection;
  #held: Candidate[] = [];

  constructor(connection: RTCPeerConnection) {
    this.#connection = connection;
  }

  /** Rejects where it is not a candidate. */
  async add(json: string): Promise<void> {
    const candidate: Candidate = JSON.parse(json);
    if (candidate.candidate?.includes(".local ")) return;
    if (this.#fits(candidate)) await this.#connection.addIceCandidate(candidate);
    else this.#held.push(candidate);
  }

  /**
   * Adds the candidates that fit the remote description. The others belong to a later description, or to a past one.
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
