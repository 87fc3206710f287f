import { keysOf, type ProviderRow, providers } from "../../shared/providers/provider-table.ts";
import { choiceVariables } from "../../shared/providers/service-choice.ts";
import { missingForRecognition, speechModel } from "../../shared/recognition/speech-model.ts";
import type { Limits } from "../starts/capacity.ts";

const MiB = 2 ** 20;

/** The least memory of a process in which the recogniser is there without being asked for, in bytes. */
const enoughBytes = 1_536 * MiB;

/** The keys of services that recognise speech: whoever has set one uses that. */
const recogniserKeys = Object.values<ProviderRow>(providers)
  .filter(({ parts }) => parts.includes("stt"))
  .flatMap(keysOf);

export interface RecogniserChoice {
  /** True where agents may use the recogniser of this process. */
  readonly offered: boolean;
  /** The reason of the decision, as the end of a sentence. */
  readonly reason: string;
}

/** Returns the memory that all sessions share, in bytes. */
export const sharedBytesOf = ({ offered }: RecogniserChoice): number => (offered ? speechModel.bytes : 0);

/**
 * Decides whether agents may use the recogniser of this process. Its memory is reserved in the capacity where it is
 * offered, although it starts only when an agent first asks for it.
 * @param wanted The operator's choice; undefined: none was made.
 */
export function chooseRecogniser(
  wanted: boolean | undefined,
  { memoryBytes }: Limits,
  environment: Readonly<Record<string, string | undefined>>,
): RecogniserChoice {
  const no = (reason: string): RecogniserChoice => ({ offered: false, reason });
  if (wanted === false) return no("it is left out (localStt, --no-local-stt)");
  const missing = missingForRecognition();
  if (missing !== null) return no(missing);
  if (wanted === true) return { offered: true, reason: "as set" };
  const chosen = (environment[choiceVariables.stt.name] ?? "").trim();
  if (chosen !== "" && chosen !== "local") return no(`${choiceVariables.stt.name} is ${chosen}`);
  const key =
    chosen === "local" ? undefined : recogniserKeys.find((name) => (environment[name] ?? "").trim() !== "");
  if (key !== undefined) return no(`${key} is set`);
  if (memoryBytes < enoughBytes) {
    const [has, needs] = [memoryBytes, enoughBytes].map((bytes) => `${Math.round(bytes / MiB)} MiB`);
    return no(
      `the process may use ${has} of memory, and it is offered from ${needs} on (localStt: true offers it)`,
    );
  }
  return { offered: true, reason: `no key of another is set; ${speechModel.bytes / MiB} MiB` };
}
