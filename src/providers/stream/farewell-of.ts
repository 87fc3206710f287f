import { extname } from "node:path";
import type { Farewell, JsonObject } from "../../protocol.ts";
import type { Place } from "./seat-event.ts";

// As .ts in the clone, as .js in the package.
const module = new URL(`./farewell-module${extname(import.meta.url)}`, import.meta.url).href;

/** How the server leaves for an agent that sat here, should its thread die. It holds the place's token. */
export function farewellOf(place: Place): Farewell {
  return { module, data: { ...place } as unknown as JsonObject };
}
