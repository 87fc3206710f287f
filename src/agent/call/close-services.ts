import type { FilledAgentOptions } from "../agent-options.ts";
import type { Edge } from "../edge.ts";
import type { Model } from "../model/model.ts";
import { remoteToolsets } from "../tools/agent-tools.ts";
import type { TTS } from "../tts.ts";
import type { CallContext } from "./call-context.ts";
import { closeStep } from "./close-step.ts";

/**
 * Closes the services of an agent, those of its roles too. Never rejects.
 * @param given The agent's own edge, where another one stands in for it.
 * @param left Resolves when the agent has left the call: the edge is closed then.
 * @param silent Resolves when nothing is heard and spoken any more: recogniser and voices are closed then.
 */
export async function closeServices(
  context: Pick<CallContext, "log" | "limits">,
  options: FilledAgentOptions,
  {
    given,
    left,
    silent,
  }: { readonly given: Edge; readonly left: Promise<void>; readonly silent: Promise<void> },
): Promise<void> {
  const { edge, stt } = options;
  const { models, voices } = servicesOf(options);
  const step = (what: string, work: () => Promise<void>) => closeStep(context, what, work);
  await Promise.all([
    left.then(() => step("close the edge", () => edge.close())),
    step("close the agent's own edge", async () => (given === edge ? undefined : given.close())),
    ...models.map((llm) => step("close the model", () => llm.close())),
    ...remoteToolsets(options).map((set) => step("close the tools", () => set.close())),
    stt && silent.then(() => step("close the recogniser", () => stt.close())),
    ...voices.map((tts) => silent.then(() => step("close the voice", () => tts.close()))),
  ]);
}

/** Returns the models and voices of an agent, those of its roles too, each once. */
function servicesOf({ llm, tts, roles }: FilledAgentOptions): {
  readonly models: readonly Model[];
  readonly voices: readonly TTS[];
} {
  const all = [{ llm, ...(tts && { tts }) }, ...Object.values(roles)];
  return {
    models: [...new Set(all.flatMap((one): Model[] => (one.llm ? [one.llm] : [])))],
    voices: [...new Set(all.flatMap((one): TTS[] => (one.tts ? [one.tts] : [])))],
  };
}
