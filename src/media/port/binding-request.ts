import { createHmac, timingSafeEqual } from "node:crypto";

/** The fields of STUN (RFC 8489) by which a request is told from other packets, and read. */
const headerLength = 20;
const bindingRequest = 0x0001;
const magicCookie = 0x2112a442;
const attributes = { username: 0x0006, messageIntegrity: 0x0008 } as const;
const integrityLength = 20;

/** A request for a binding: how the other side of a connection tries a way, and says who it is. */
export interface BindingRequest {
  /** The user name, which names both sides. */
  readonly user: string;
  /** Returns whether the request is signed with this password. */
  isSignedWith(password: string): boolean;
}

/** Reads a packet as a request for a binding; null where it is none. It never throws. */
export function readBindingRequest(packet: Buffer): BindingRequest | null {
  if (packet.length < headerLength || packet.readUInt16BE(0) !== bindingRequest) return null;
  if (packet.readUInt32BE(4) !== magicCookie) return null;
  if (packet.readUInt16BE(2) !== packet.length - headerLength) return null;
  let user: string | null = null;
  for (let at = headerLength; at + 4 <= packet.length; ) {
    const [type, length] = [packet.readUInt16BE(at), packet.readUInt16BE(at + 2)];
    const end = at + 4 + length;
    if (end > packet.length) return null;
    if (type === attributes.username) user = packet.toString("utf8", at + 4, end);
    if (type === attributes.messageIntegrity) {
      if (user === null || length !== integrityLength) return null;
      const place = at;
      return { user, isSignedWith: (password) => isSigned(packet, place, password) };
    }
    // Attributes begin at multiples of four bytes.
    at = end + (-length & 3);
  }
  return null;
}

/** Returns whether the signature is of all that stands before it, under a header whose length ends with the signature (section 14.5). */
function isSigned(packet: Buffer, place: number, password: string): boolean {
  const signed = Buffer.from(packet.subarray(0, place));
  signed.writeUInt16BE(place + 4 + integrityLength - headerLength, 2);
  const expected = createHmac("sha1", password).update(signed).digest();
  return timingSafeEqual(expected, packet.subarray(place + 4, place + 4 + integrityLength));
}
