import type { EndReason } from "../../../shared/end-reasons.ts";
import { callOf } from "../../call-counts.ts";
import type {
  EndMessage,
  FoundSession,
  NodeInfo,
  NodeState,
  PeerNode,
  SessionClaim,
  SessionEnd,
  SessionRecord,
} from "../../registry.ts";

/** A session of this process, with the texts that are written of it. */
export interface OwnSession {
  readonly claim: SessionClaim;
  readonly call: string;
  readonly json: string;
  /** True once the session may live; until then it is not written again with all others. */
  admitted: boolean;
  /** True once Redis has known the session, or it was entrusted to a peer, so that other nodes may know it. */
  written: boolean;
  /** The time at which Redis was last told of it, by `performance.now()`. */
  writtenAt: number;
}

export function ownSession(claim: SessionClaim): OwnSession {
  const texts = { claim, call: callOf(claim), json: JSON.stringify(claim) };
  return { ...texts, admitted: false, written: false, writtenAt: Number.NEGATIVE_INFINITY };
}

export const ownerOf = (nodeId: string, epoch: number): string => `${nodeId}#${epoch}`;

export function parseOwner(owner: string): { readonly nodeId: string; readonly epoch: number } {
  const at = owner.lastIndexOf("#");
  return { nodeId: owner.slice(0, at), epoch: Number(owner.slice(at + 1)) };
}

/** The header of a session. Reason and time follow where the session has ended. */
type Header = readonly [owner: string, call: string, reason?: EndReason, endedAt?: string];

/** Parses the data that the scripts keep of a session: a header, a line break, and the claim as it was given. */
export function parseData(data: string): { readonly header: Header; readonly claim: string } {
  const line = data.indexOf("\n");
  return { header: JSON.parse(data.slice(0, line)) as Header, claim: data.slice(line + 1) };
}

export function parseRecord(data: string): SessionRecord {
  const { header, claim } = parseData(data);
  const [owner, , reason, endedAt] = header;
  const end: SessionEnd | null = reason === undefined ? null : { reason, endedAt: Number(endedAt) };
  return { ...(JSON.parse(claim) as SessionClaim), ...parseOwner(owner), end };
}

/**
 * Parses a session as the other nodes see it. `state`: what its owner wrote about itself; null where the owner does not
 * live.
 */
export function parseFound(data: string, state: string | null): FoundSession {
  const record = parseRecord(data);
  const { nodeId, epoch } = record;
  return { ...record, owner: state === null ? null : { ...(JSON.parse(state) as NodeJson), nodeId, epoch } };
}

/** Parses a message as the scripts keep it: since when it waits, a line break, and its text. */
export function parseMessage(sessionId: string, data: string): EndMessage {
  const line = data.indexOf("\n");
  return { sessionId, since: Number(data.slice(0, line)), body: data.slice(line + 1) };
}

/** The state and the address of a node, as it tells them in JSON. */
export type NodeJson = NodeState & Omit<NodeInfo, "nodeId">;

/**
 * Parses the peers. A node that has begun another life counts with that one alone, although the lease of its last life
 * has not ended.
 */
export function parsePeers(flat: readonly string[]): PeerNode[] {
  const peers = pairs(flat)
    .map(([owner, json]) => parsePeer(owner, json))
    .sort((one, other) => one.epoch - other.epoch);
  return [...new Map(peers.map((peer) => [peer.nodeId, peer])).values()];
}

export function parsePeer(owner: string, json: string): PeerNode {
  return { ...(JSON.parse(json) as NodeJson), ...parseOwner(owner) };
}

/** Returns the pairs of a map, which Redis answers as a name, its value, a name, its value. */
export function pairs(flat: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2]!, flat[index * 2 + 1]!]);
}
