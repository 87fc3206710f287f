import type { Agent as HttpAgent } from "node:http";
import { Agent } from "node:https";
import { webSocketAgent } from "../../network/tunnel.ts";

/**
 * The agent of the thread. It keeps no connection but TLS sessions: a later handshake to the same server resumes one, which saves its
 * certificates and, with TLS 1.2, a round trip.
 */
const tlsAgent = new Agent({ keepAlive: false });

/** Returns the agent that connects to a URL, through its proxy where it has one. */
export const agentFor = (url: string): HttpAgent | undefined =>
  webSocketAgent(url) ?? (/^(wss|https):/.test(url) ? tlsAgent : undefined);
