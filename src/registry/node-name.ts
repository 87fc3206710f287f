import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** The host's name, which is the pod's in Kubernetes, and something that no other process of the host has. */
export function makeNodeId(): string {
  return `${hostname()}-${randomBytes(3).toString("hex")}`;
}
