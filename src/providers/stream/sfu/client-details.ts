import { arch, release, type } from "node:os";
import { SdkType } from "../wire/enums.ts";
import type { ClientDetails } from "../wire/messages.ts";

/** The details about its client that an SFU is told. There is no number for Greenroom. */
export const clientDetails: ClientDetails = {
  sdk: { type: SdkType.PLAIN_JAVASCRIPT, major: "0", minor: "1", patch: "0" },
  os: { name: type(), version: release(), architecture: arch() },
  device: { name: "node", version: process.versions.node },
};
