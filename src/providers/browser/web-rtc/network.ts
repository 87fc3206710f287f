import { networkInterfaces } from "node:os";
import type { RTCPeerConnectionConfig } from "werift";
import { serversFor } from "../../../media/relay.ts";
import type { Werift } from "../../../media/werift-parts.ts";
import type { FilledOptions } from "../options.ts";

const everyAddress = ["0.0.0.0", "::"];
const ownAddress = "127.0.0.1";

/** Returns the configuration of a connection. One that goes through the media port has a socket for this machine alone. */
export function configOf(
  { RTCRtpCodecParameters }: Werift,
  { address, portRange, iceServers }: FilledOptions,
  payloadType: number,
  byMediaPort: boolean,
): RTCPeerConnectionConfig {
  const opus = new RTCRtpCodecParameters({
    mimeType: "audio/opus",
    clockRate: 48_000,
    channels: 2,
    payloadType,
    parameters: "minptime=10;useinbandfec=1",
  });
  const servers = iceServers.map(({ urls, username = "", credential = "" }) => ({
    urls: typeof urls === "string" ? [urls] : urls,
    username,
    password: credential,
  }));
  // The answers of STUN servers would not come through the media port, whose address is advertised.
  const usable = serversFor(servers, 0).filter(({ urls }) => !byMediaPort || !/^stuns?:/i.test(urls));
  const common: RTCPeerConnectionConfig = {
    iceServers: usable,
    bundlePolicy: "max-bundle",
    codecs: { audio: [opus], video: [] },
    iceStunGatherTimeout: 2,
    iceTurnConnectTimeout: 2,
  };
  if (byMediaPort) return { ...common, ...at(ownAddress) };
  return {
    ...common,
    ...(portRange === null ? {} : { icePortRange: [portRange[0], portRange[1]] }),
    ...(everyAddress.includes(address) ? { iceUseIpv4: true, iceUseIpv6: address === "::" } : at(address)),
  };
}

function at(address: string): RTCPeerConnectionConfig {
  return {
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [address],
    iceInterfaceAddresses: { [address.includes(":") ? "udp6" : "udp4"]: address },
  };
}

/** Returns the addresses that clients are told in place of those of the sockets; null: the sockets' own. */
export function addressesOf(
  { address, advertisedAddress }: FilledOptions,
  byMediaPort: boolean,
): readonly string[] | null {
  if (advertisedAddress !== null) return [advertisedAddress];
  if (!byMediaPort) return null;
  if (!everyAddress.includes(address)) return [address];
  const found = Object.values(networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .filter(({ family, internal }) => !internal && (family === "IPv4" || address === "::"))
    .map((one) => one.address);
  return found.length > 0 ? found : [ownAddress];
}
