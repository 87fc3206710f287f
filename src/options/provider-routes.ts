import { z } from "zod";
import type { ProviderRoute } from "../api/provider-route.ts";

/** Checks a route that is given as an option. */
export const providerRoute = z.custom<ProviderRoute>().check(({ value, issues }) => {
  const fault = faultOf(value);
  if (fault !== null) issues.push({ code: "custom", input: value, message: fault });
});

function faultOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return "expected a route";
  const { method, path, handle, admit } = value as Record<string, unknown>;
  if (method !== "get" && method !== "post" && method !== "websocket")
    return "expected method to be get, post or websocket";
  if (typeof path !== "string" || !/^(\/([\w.~-]+|\{\w+\}))+$/.test(path))
    return 'expected a path, such as "/phone/carrier/voice"';
  if (method === "websocket" && !path.includes("/{session_id}"))
    return "expected {session_id} in the path of a WebSocket";
  if (typeof (method === "websocket" ? admit : handle) !== "function")
    return `expected a function ${method === "websocket" ? "admit" : "handle"}`;
  return null;
}
