import { arch, release, type } from "node:os";
import { SdkType } from "../wire/enums.ts";
import type { ClientDetails } from "../wire/messages.ts";

/**
 * The details about this client that an SFU is told. Stream's protocol has no SDK number for Greenroom, so it
 * uses that of plain JavaScript.
 */
export const clientDetails: ClientDetails = {
  sdk: { type: SdkType.PLAIN_JAVASCRIPT, major: "0", minor: "1", patch: "0" },
  os: { name: type(), version: release(), architecture: arch() },
  device: { name: "node", version: process.versions.node },
};
