/** Tools of MCP servers: `new mcp.Server({ url })`. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { loadSdk } from "./sdk.ts";

export { McpServerError } from "./errors.ts";
export type {
  CommonServerOptions,
  HeaderSource,
  Headers,
  HttpServerOptions,
  ServerOptions,
  StdioServerOptions,
} from "./options.ts";
export { Server } from "./server.ts";

/** Loads the official SDK, for a thread that waits for its session. */
export async function preload(): Promise<void> {
  await loadSdk();
}

registerPreload(preload);
