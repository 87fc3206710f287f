import { isIP } from "node:net";
import type { ToMediaPort } from "../../shared/media-port.ts";

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isAddress = (value: unknown): boolean => typeof value === "string" && isIP(value) !== 0;
const isText = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= 1_024;

/** Returns whether a value is a message to the media port. An agent's code runs in the thread that sends it, so that it may be anything. */
export function isToMediaPort(value: unknown): value is ToMediaPort {
  if (typeof value !== "object" || value === null) return false;
  const { type, number, address, user, password, port } = value as Readonly<Record<string, unknown>>;
  if (!isCount(number)) return false;
  if (type === "close") return true;
  if (!isAddress(address)) return false;
  if (type === "listen") return true;
  const isPort = isCount(port) && Number(port) > 0 && Number(port) < 65_536;
  return type === "open" && isText(user) && isText(password) && isPort;
}
