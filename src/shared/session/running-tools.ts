import { heartbeatBytes, heartbeatValues } from "../protocol.ts";

const begin = heartbeatValues * Int32Array.BYTES_PER_ELEMENT;
/** The names that tools may have. A service of a model may take fewer. */
export const toolName = /^[\w.-]{1,64}$/;

/** Writes the names of the tools that run into a thread's heartbeat, as many as there is room for. */
export function writeRunningTools(heartbeat: SharedArrayBuffer, names: Iterable<string>): void {
  const room = Buffer.from(heartbeat, begin, heartbeatBytes - begin);
  room.fill(0, room.write([...names].join(" "), "latin1"));
}

/** Returns the names of the tools that run, by a thread's heartbeat. An agent's code may have written there as well, so that it is checked. */
export function readRunningTools(heartbeat: SharedArrayBuffer): string[] {
  const text = Buffer.from(heartbeat, begin, heartbeatBytes - begin).toString("latin1");
  const [written = ""] = text.split("\0", 1);
  // The last one of too many may be cut.
  return written.split(" ").filter((word) => toolName.test(word));
}
