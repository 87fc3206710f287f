import { isIPv4 } from "node:net";

/** The length of the header with the other side's address before each packet between the media port and a session thread, in bytes. */
export const headerLength = 18;
/** The first bytes of an IPv4 address that is written as one of IPv6 (RFC 4291, section 2.5.5.2). */
const ipv4Prefix = Buffer.from("00000000000000000000ffff", "hex");
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Returns an address as it is usually written: IPv4 as such, where a socket of IPv6 tells it. */
export const plainAddress = (address: string): string => mapped.exec(address)?.[1] ?? address;

/** Returns the header of an address: 16 bytes of IPv6 and 2 of the port. Throws a `RangeError` for what is no address. */
export function headerOf(address: string, port: number): Buffer {
  const header = Buffer.alloc(headerLength);
  const plain = plainAddress(address);
  if (isIPv4(plain)) {
    ipv4Prefix.copy(header);
    header.set(plain.split(".").map(Number), 12);
  } else {
    for (const [place, group] of groupsOf(plain).entries()) header.writeUInt16BE(group, 2 * place);
  }
  header.writeUInt16BE(port, 16);
  return header;
}

/** Returns the address and the port that the header of a packet names. */
export function addressOf(packet: Buffer): readonly [address: string, port: number] {
  const port = packet.readUInt16BE(16);
  if (packet.subarray(0, 12).equals(ipv4Prefix)) return [packet.subarray(12, 16).join("."), port];
  const groups = Array.from({ length: 8 }, (_, place) => packet.readUInt16BE(2 * place).toString(16));
  return [groups.join(":"), port];
}

/** Returns the four bytes of IPv4 at the end of an IPv6 address as two groups. */
function inGroups(_text: string, ...bytes: readonly string[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** Returns the eight groups of an IPv6 address, without its zone. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = (address.split("%")[0] ?? "")
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, inGroups)
    .split("::");
  const read = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [first, last] = [read(head), read(tail ?? "")];
  const gap = 8 - first.length - last.length;
  const groups = [...first, ...new Array<number>(Math.max(0, tail === undefined ? 0 : gap)).fill(0), ...last];
  const fits = groups.length === 8 && groups.every((group) => group >= 0 && group <= 0xffff);
  if (!fits) throw new RangeError(`${address} is no IP address`);
  return groups;
}
