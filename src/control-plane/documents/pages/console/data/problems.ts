import type { ApiError } from "./api.ts";
import type { FeedState } from "./event-feed.ts";

/** Returns what is the matter with the stream of all replicas, in words; null while all is well. */
export function fleetProblem(feed: FeedState, hasKey: boolean): string | null {
  if (feed.name === "broken") return `Disconnected. ${withStop(feed.error.message)}`;
  if (feed.name !== "refused") return null;
  const { status, message } = feed.error;
  if (status === 401) return hasKey ? "This key is not right, or no longer." : "This server asks for a key.";
  if (status === 403)
    return `You may not view all of this server: ${withStop(message)} Sessions that you may view are listed below.`;
  if (status === 404) return "This server tells nothing of its replicas.";
  return withStop(message);
}

/** Returns what is the matter with one session, in words; null while all is well. */
export function sessionProblem(feed: FeedState, hasKey: boolean): string | null {
  if (feed.name === "broken") return `Disconnected. ${withStop(feed.error.message)}`;
  if (feed.name !== "refused") return null;
  const { status, message, endReason } = feed.error;
  if (status === 401) return hasKey ? "This key is not right, or no longer." : "This server asks for a key.";
  if (endReason) return `This session has ended: ${endReason}. What was said in it is kept no more.`;
  if (status === 404)
    return "There is no such session, or you may not view it. Ended ones can be seen for 10 minutes.";
  return withStop(message);
}

/** Returns why a list, a message or a close was refused, in words. */
export function refusalText(error: ApiError, what: "list" | "message" | "close"): string {
  const { status, code, message } = error;
  if (status === 401) return "This server asks for a key, or another one.";
  if (status === 403)
    return {
      list: "You may not view sessions.",
      message: "You may not send messages to this session.",
      close: "You may not close this session.",
    }[what];
  if (status === 404) return "The session has ended, or you may not view it.";
  if (code === "SESSION_CLOSING") return "The session is closing.";
  return withStop(message);
}

const withStop = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);
