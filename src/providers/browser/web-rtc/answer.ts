import type { RTCPeerConnection } from "werift";
import { within } from "../../../shared/deadline.ts";
import type { FilledOptions } from "../options.ts";

/** The longest wait for local candidates, in milliseconds: those of this machine, and those of STUN and TURN servers. */
const gatheringMs = { own: 300, servers: 2_000 } as const;

/**
 * Resolves with an answer that has all candidates, since clients are sent none later. `candidates` is filled meanwhile. `addresses`
 * replace the connection's own; null: there are none to replace it.
 */
export async function answerSdp(
  connection: RTCPeerConnection,
  sdp: string,
  candidates: readonly string[],
  addresses: readonly string[] | null,
  { iceServers }: FilledOptions,
): Promise<string> {
  const gathered = Promise.withResolvers<void>();
  const look = () => {
    // The last candidates are reported in the next turn of the event loop.
    if (connection.iceGatheringState === "complete") setImmediate(gathered.resolve);
  };
  const { unSubscribe } = connection.iceGatheringStateChange.subscribe(look);
  look();
  const waitMs = iceServers.length > 0 ? gatheringMs.servers : gatheringMs.own;
  // Candidates that are found later are left out.
  await within(gathered.promise, waitMs, "Candidates").catch(() => undefined);
  unSubscribe();
  const lines = candidates.flatMap((json) => {
    const { candidate } = JSON.parse(json) as { readonly candidate: string };
    return advertised(candidate, addresses).map((line) => `a=${line}\r\n`);
  });
  const [session = "", first = "", ...others] = sdp.split(/^(?=m=)/m);
  const known = first.replaceAll(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, "");
  return [session, known, ...new Set(lines), "a=end-of-candidates\r\n", ...others].join("");
}

function advertised(candidate: string, addresses: readonly string[] | null): string[] {
  const fields = candidate.replace(/^a=/, "").split(" ");
  if (addresses === null || fields[7] !== "host") return [fields.join(" ")];
  return addresses.map((address) => fields.with(4, address).join(" "));
}
