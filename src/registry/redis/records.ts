import type { EndReason } from "../../protocol.ts";
import { callOf } from "../call-counts.ts";
import type {
  FoundSession,
  NodeState,
  PeerNode,
  SessionClaim,
  SessionEnd,
  SessionRecord,
} from "../registry.ts";

/** A session of this process, as it is written. */
export interface OwnSession {
  readonly claim: SessionClaim;
  readonly call: string;
  readonly json: string;
  /** It may live; until then it is not written of one's own accord. */
  admitted: boolean;
  /** How often Redis held it to be lost. */
  recoveries: number;
}

export function ownSession(claim: SessionClaim): OwnSession {
  return { claim, call: callOf(claim), json: JSON.stringify(claim), admitted: false, recoveries: 0 };
}

export const ownerOf = (nodeId: string, epoch: number): string => `${nodeId}#${epoch}`;

export function parseOwner(owner: string): { readonly nodeId: string; readonly epoch: number } {
  const at = owner.lastIndexOf("#");
  return { nodeId: owner.slice(0, at), epoch: Number(owner.slice(at + 1)) };
}

/** Owner, call, recoveries; and where it has ended, reason and time. */
type Header = readonly [
  owner: string,
  call: string,
  recoveries: number,
  reason?: EndReason,
  endedAt?: string,
];

/** What the scripts keep of a session: a header, a line break, and the claim as it was given. */
export function parseRecord(data: string): SessionRecord {
  const line = data.indexOf("\n");
  const [owner, , recoveries, reason, endedAt] = JSON.parse(data.slice(0, line)) as Header;
  const claim = JSON.parse(data.slice(line + 1)) as SessionClaim;
  const end: SessionEnd | null = reason === undefined ? null : { reason, endedAt: Number(endedAt) };
  return { ...claim, ...parseOwner(owner), end, recoveries };
}

/** A session as the others see it. `state`: what its owner tells of itself, where that lives. */
export function parseFound(data: string, state: string | null): FoundSession {
  const record = parseRecord(data);
  const { nodeId, epoch } = record;
  return { ...record, owner: state === null ? null : { ...(JSON.parse(state) as NodeJson), nodeId, epoch } };
}

/** What a node tells of itself, as JSON. */
export type NodeJson = NodeState & { readonly address: string | null };

/** Of a node that has begun another life, only that counts, although the lease of the last one is not over. */
export function parsePeers(flat: readonly string[]): PeerNode[] {
  const peers = pairs(flat)
    .map(([owner, json]) => ({ ...(JSON.parse(json) as NodeJson), ...parseOwner(owner) }))
    .sort((one, other) => one.epoch - other.epoch);
  return [...new Map(peers.map((peer) => [peer.nodeId, peer])).values()];
}

/** Redis answers maps as a name, its value, a name, its value. */
export function pairs(flat: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2]!, flat[index * 2 + 1]!]);
}
