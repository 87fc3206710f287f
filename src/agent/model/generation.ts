import { DeadlineError } from "../../shared/deadline.ts";
import type { LLM, LlmEvent, LlmRequest } from "../llm.ts";
import type { AgentLimits } from "../options/limits.ts";

/**
 * Makes one request to the model, with its deadlines. Ends at once when `signal` fires or a deadline passes, whether or
 * not the provider listens: its request is aborted and whatever it still yields is dropped.
 */
export async function* generate(
  llm: LLM,
  request: Omit<LlmRequest, "signal">,
  limits: AgentLimits,
  signal: AbortSignal,
): AsyncGenerator<LlmEvent, void, void> {
  signal.throwIfAborted();
  const cancel = new AbortController();
  let stop: (reason: unknown) => void = () => {};
  const aborted = () => {
    cancel.abort(signal.reason);
    stop(signal.reason);
  };
  const expire = (what: string, limit: "responseTimeoutMs" | "firstTokenTimeoutMs") => {
    const limitMs = limits[limit];
    return setTimeout(() => {
      const error = new DeadlineError(`${what} took longer than ${limitMs} ms`, `limits.${limit}`);
      cancel.abort(error);
      stop(error);
    }, limitMs);
  };
  signal.addEventListener("abort", aborted, { once: true });
  const name = `${llm.provider} ${llm.model}`;
  const whole = expire(`The answer of ${name}`, "responseTimeoutMs");
  const first = expire(`The first token of ${name}`, "firstTokenTimeoutMs");

  let stream: AsyncIterator<LlmEvent> | undefined;
  let complete = false;
  try {
    const source = llm.generate({ ...request, signal: cancel.signal })[Symbol.asyncIterator]();
    stream = source;
    while (true) {
      cancel.signal.throwIfAborted();
      const step = await new Promise<IteratorResult<LlmEvent>>((resolve, reject) => {
        stop = reject;
        source.next().then(resolve, reject);
      });
      if (step.done) {
        complete = true;
        return;
      }
      if (step.value.type !== "usage") clearTimeout(first);
      yield step.value;
    }
  } finally {
    clearTimeout(first);
    clearTimeout(whole);
    signal.removeEventListener("abort", aborted);
    if (!complete) {
      if (!cancel.signal.aborted)
        cancel.abort(new DOMException("The answer is not wanted any more", "AbortError"));
      // Not awaited: a provider that is stuck would never get to it.
      stream?.return?.().catch(() => {});
    }
  }
}
