import type { AgentLauncherOptions } from "../../api/launcher-options.ts";
import type { RedisRegistryOptions } from "../../api/registry-options.ts";
import { redisTable } from "../../options/launcher-fleet.ts";
import { flagOf, outsideOptions } from "../../options/outside.ts";
import { UsageError } from "../commands/usage-error.ts";
import type { Settings } from "./settings.ts";

/** The time that a replica which has to be one of a fleet waits for Redis before it gives up, in milliseconds. */
const contactTimeoutMs = 60_000;

/**
 * Returns the registry that was set from outside, if any. An address of Redis replaces one in the code. A client in the
 * code stays, since a bare address cannot replace it, and so does a registry of the code's own. Throws a {@link
 * UsageError} where settings of Redis are given, but no Redis.
 * @param requirePeers True where the replica has to be one of a fleet.
 */
export function registryOf(
  { url: givenUrl, ...settings }: Settings<typeof redisTable>,
  ofCode: AgentLauncherOptions["registry"],
  requirePeers: boolean | undefined,
): Pick<AgentLauncherOptions, "registry"> {
  const ownRegistry = ofCode !== undefined && "claim" in ofCode;
  const inCode: RedisRegistryOptions = ownRegistry ? {} : { ...ofCode };
  const url = givenUrl ?? inCode.url;
  if (ownRegistry || (url === undefined && inCode.client === undefined)) {
    const set = outsideOptions(redisTable).find(({ key }) => key in settings);
    if (set === undefined) return {};
    const why = ownRegistry ? "the code has a registry of its own" : "set GREENROOM_REDIS_URL or REDIS_URL";
    throw new UsageError(`${flagOf(set.name)} needs a Redis: ${why}`);
  }
  const given = { ...(requirePeers ? { contactTimeoutMs } : {}), ...settings };
  const address = url === undefined || inCode.client ? {} : { url };
  return { registry: { ...inCode, ...given, ...address } };
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
