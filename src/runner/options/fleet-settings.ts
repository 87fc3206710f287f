import type { AgentLauncher } from "../../agent-launcher.ts";
import type { AgentLauncherOptions, RedisRegistryOptions } from "../../api/launcher-options.ts";
import { UsageError } from "../commands/usage-error.ts";
import { flagOf, type OptionValues } from "./option-table.ts";
import type { fleetOptions } from "./options.ts";

type Values = OptionValues<typeof fleetOptions>;

/** The name of each among the launcher's options of a registry. */
const registryNames = {
  registryContactTimeoutMs: "contactTimeoutMs",
  registryKeyPrefix: "keyPrefix",
  registryLeaseMs: "leaseMs",
  registryCommandTimeoutMs: "commandTimeoutMs",
  registryWhileAway: "whileAway",
  maxFleetSessions: "maxConcurrentSessions",
} as const satisfies Partial<Record<keyof Values, keyof RedisRegistryOptions>>;

/** The time that a replica which has to be one of a fleet waits for Redis before it gives up, in milliseconds. */
const contactTimeoutMs = 60_000;

/**
 * Returns the options that were set from outside for this process in its fleet. An address of Redis replaces one in the
 * code; a client in the code stays, since a bare address cannot stand for it, and so does a registry of the code's own.
 * Throws a {@link UsageError} for settings of a Redis that there is none of.
 */
export function fleetOf(
  values: Values,
  launcher: Pick<AgentLauncher, "options">,
): Pick<AgentLauncherOptions, "nodeId" | "advertisedAddress" | "registry"> {
  const { nodeId, advertisedAddress } = values;
  return {
    ...(nodeId === undefined ? {} : { nodeId }),
    ...(advertisedAddress === undefined ? {} : { advertisedAddress }),
    ...registryOf(values, launcher.options.registry),
  };
}

/** Checks what `--require-peers` demands. Throws a {@link UsageError} that names what is missing. */
export function demandPeers(
  required: boolean | undefined,
  { registry, advertisedAddress }: Pick<AgentLauncherOptions, "registry" | "advertisedAddress">,
  peerSecret: string | undefined,
): void {
  if (!required) return;
  const missing = [
    ...(registry === undefined ? ["REDIS_URL"] : []),
    ...(peerSecret?.trim() ? [] : ["GREENROOM_PEER_SECRET"]),
    ...(advertisedAddress == null ? ["GREENROOM_ADVERTISED_ADDRESS"] : []),
  ];
  if (missing.length === 0) return;
  const are = missing.length > 1 ? "are" : "is";
  throw new UsageError(
    `--require-peers: ${missing.join(", ")} ${are} not set, without which replicas are no fleet`,
  );
}

function registryOf(
  values: Values,
  ofCode: AgentLauncherOptions["registry"],
): Pick<AgentLauncherOptions, "registry"> {
  const set = Object.entries(registryNames).filter(([name]) => values[name as keyof Values] !== undefined);
  const ownRegistry = ofCode !== undefined && "claim" in ofCode;
  const inCode: RedisRegistryOptions = ownRegistry ? {} : { ...ofCode };
  const url = values.redisUrl ?? inCode.url;
  if (ownRegistry || (url === undefined && inCode.client === undefined)) {
    const [name] = set[0] ?? [];
    if (name === undefined) return {};
    const why = ownRegistry ? "the code has a registry of its own" : "set GREENROOM_REDIS_URL or REDIS_URL";
    throw new UsageError(`${flagOf(name)}: there is no Redis that it could hold for; ${why}`);
  }
  const given = {
    ...(values.requirePeers ? { contactTimeoutMs } : {}),
    ...Object.fromEntries(set.map(([name, option]) => [option, values[name as keyof Values]])),
  };
  const address = url === undefined || inCode.client ? {} : { url };
  return { registry: { ...inCode, ...given, ...address } };
}
