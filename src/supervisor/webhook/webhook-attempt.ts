import { throughProxy } from "../../network/dispatcher.ts";
import { messageWithCauses, plainError } from "../../shared/plain-error.ts";
import { retryAfter } from "../../shared/retry-after.ts";
import { signWebhook } from "./webhook-signature.ts";

export interface WebhookAttempt {
  readonly url: URL;
  readonly secrets: readonly Buffer[];
  readonly id: string;
  readonly body: string;
  readonly timeoutMs: number;
  /** A controller that ends the attempt early. */
  readonly abort: AbortController;
}

/** The result of one attempt; `what` describes it for an operator. */
export type AttemptResult =
  | { readonly decision: "delivered" | "gone"; readonly what: string }
  | { readonly decision: "again"; readonly what: string; readonly retryAfterMs: number | null };

/** Sends a message by POST, once. Never rejects, and follows no redirect. */
export async function attemptDelivery(attempt: WebhookAttempt): Promise<AttemptResult> {
  const { url, secrets, id, body, timeoutMs, abort } = attempt;
  const timestampSeconds = Math.floor(Date.now() / 1_000);
  const timeout = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      ...throughProxy(url),
      signal: abort.signal,
      headers: {
        "content-type": "application/json",
        "user-agent": "greenroom",
        "webhook-id": id,
        "webhook-timestamp": String(timestampSeconds),
        "webhook-signature": signWebhook(secrets, { id, timestampSeconds, body }),
      },
      body,
    });
    // Only the status matters; a body that never ends must not hold the connection.
    await response.body?.cancel();
    return judge(response);
  } catch (error) {
    const what = abort.signal.aborted ? `no answer within ${timeoutMs} ms` : causeOf(error);
    return { decision: "again", what, retryAfterMs: null };
  } finally {
    clearTimeout(timeout);
  }
}

function judge({ ok, status, headers }: Response): AttemptResult {
  const what = `status ${status}`;
  if (ok) return { decision: "delivered", what };
  if (status === 410) return { decision: "gone", what };
  // The refusal may come from a gateway, or from a receiver that is being deployed: another try may succeed.
  return { decision: "again", what, retryAfterMs: retryAfter(headers.get("retry-after")) };
}

/** Returns the cause of an error of fetch, whose own text is only "fetch failed". */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  // Where a name has several addresses the error of each is within one that says nothing.
  return messageWithCauses(plainError(cause)) || cause.name;
}
