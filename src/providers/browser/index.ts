/** Calls in browsers: `new browser.Edge()`. The media are loaded in session threads only. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { practise } from "./practice.ts";

export { Edge } from "./edge.ts";
export type { BrowserOptions, IceServerOption } from "./options.ts";

// A session that nobody joins by WebRTC, such as one of text, does without.
registerPreload(practise, "idle");
