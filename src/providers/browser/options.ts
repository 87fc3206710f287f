import { isIP } from "node:net";
import {
  type Check,
  type Checks,
  checkValue,
  fillWith,
  isObject,
  orNull,
  truth,
  whole,
} from "../../agent/options/option-checks.ts";
import { fromEnvironment, type ProviderVariable, providers } from "../../shared/providers/provider-table.ts";

const { variables } = providers.browser;

/** A STUN server or a relay, as in a browser's `RTCConfiguration`. */
export interface IceServerOption {
  /** The addresses, such as `turn:turn.example.com:3478`. */
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** The options of calls in browsers. A wrong option throws a `TypeError` that names it. */
export interface BrowserOptions {
  /**
   * The address of this machine at which packets of sound are taken. `0.0.0.0`: every one of the machine. WebSockets come by the
   * server's own address, whatever this is.
   * @default the environment's MEDIA_ADDRESS, else 127.0.0.1: browsers on this machine alone
   */
  readonly address?: string;
  /**
   * The address that browsers are told, where they reach this machine by another one, behind NAT or in Kubernetes. The ports have
   * to be the same inside and outside.
   * @default the environment's MEDIA_ADVERTISED_ADDRESS, else the machine's own
   */
  readonly advertisedAddress?: string;
  /**
   * The lowest and the highest UDP port of calls. Each participant takes one. Name a range where a firewall has to know it.
   * @default any that is free
   */
  readonly portRange?: readonly [number, number];
  /**
   * STUN servers and relays that the agent's side uses. Without any it asks no server, and sends packets only to whoever
   * sent it one.
   * @default none
   */
  readonly iceServers?: readonly IceServerOption[];
  /** False for WebSockets alone. @default true */
  readonly webRtc?: boolean;
  /** The bitrate of what a participant hears, in bits a second, 6,000 to 128,000. @default 32000 */
  readonly bitrate?: number;
  /**
   * Sends participants what is said, as text, as it is said. Everybody in the call hears it as well.
   * @default true
   */
  readonly transcripts?: boolean;
  /** The most participants in a call beside the agent, 1 to 64. Each one costs about 5 % of a core. @default 8 */
  readonly maxParticipants?: number;
}

/** The options with their defaults. */
export interface FilledOptions extends Omit<Required<BrowserOptions>, "advertisedAddress" | "portRange"> {
  readonly advertisedAddress: string | null;
  readonly portRange: readonly [number, number] | null;
}

const owner = "browser.Edge";

const ipAddress: Check = {
  fits: (value) => typeof value === "string" && isIP(value) !== 0,
  expected: "an IP address",
};
const port = whole(1, 65_535);
const portRange: Check = {
  fits: (value) =>
    Array.isArray(value) && value.length === 2 && value.every(port.fits) && value[0] <= value[1],
  expected: "two ports, the lower one first",
};
const iceServers: Check = { fits: areServers, expected: "a list of { urls, username?, credential? }" };

const checks: Checks<BrowserOptions> = {
  address: ipAddress,
  advertisedAddress: orNull(ipAddress),
  portRange: orNull(portRange),
  iceServers,
  webRtc: truth,
  bitrate: whole(6_000, 128_000),
  transcripts: truth,
  maxParticipants: whole(1, 64),
};

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one. */
export function fillOptions(given: BrowserOptions = {}): FilledOptions {
  const filled = fillWith(owner, given, checks, {
    iceServers: [],
    webRtc: true,
    bitrate: 32_000,
    transcripts: true,
    maxParticipants: 8,
  });
  return {
    ...filled,
    address: given.address ?? addressFrom(variables.address) ?? "127.0.0.1",
    advertisedAddress: given.advertisedAddress ?? addressFrom(variables.advertisedAddress) ?? null,
    portRange: given.portRange ?? null,
  };
}

function addressFrom(variable: ProviderVariable): string | undefined {
  const found = fromEnvironment(variable);
  if (found !== undefined) checkValue(variable.name, found, ipAddress);
  return found;
}

function areServers(value: unknown): boolean {
  return Array.isArray(value) && value.every(isServer);
}

function isServer(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { urls, username = "", credential = "" } = value as Partial<IceServerOption>;
  const all = typeof urls === "string" ? [urls] : urls;
  return (
    Array.isArray(all) &&
    all.every((url) => typeof url === "string" && /^(stun|turn)s?:\S+$/i.test(url)) &&
    typeof username === "string" &&
    typeof credential === "string"
  );
}
