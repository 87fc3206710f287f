import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** Returns the host's name, which is the pod's in Kubernetes, with a suffix that no other process of the host has. */
export function makeNodeId(): string {
  return `${hostname()}-${randomBytes(3).toString("hex")}`;
}
