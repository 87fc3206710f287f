import type { AgentReport, AgentService } from "../../shared/protocol.ts";
import { similar } from "../../shared/text/similar.ts";
import { loggedError } from "../log-error.ts";

/** A line for people, and the fields that a log line adds to it. */
export interface ReportLine {
  readonly level: "info" | "warn" | "error";
  readonly fields: object;
  readonly text: string;
}

const names = { llm: "LLM", stt: "STT", tts: "TTS", tools: "tools", edge: "edge" } as const;

/**
 * Returns the findings of a rehearsal in lines: the parts of the agent, then everything that is known not to work.
 * @param limited The providers whose requests at a time are limited.
 */
export function describeAgent({ about, services }: AgentReport, limited: readonly string[]): ReportLine[] {
  const made = services.map((service) => `${names[service.part]} ${nameOf(service)}`).join(", ");
  const parts = Map.groupBy(services, ({ part }) => part);
  const fields = Object.fromEntries([...parts].map(([part, all]) => [part, all.map(nameOf).join(", ")]));
  return [
    { level: "info", fields, text: `Agent: ${made}.${about === null ? "" : ` ${about}`}` },
    ...services.flatMap(complaint),
    ...unknownProviders(services, limited),
  ];
}

/** Returns a warning for each limit that bounds nothing: its name was most likely mistyped. */
function unknownProviders(services: readonly AgentService[], limited: readonly string[]): ReportLine[] {
  const known = new Set(
    services.flatMap(({ part, provider, reserve }) => (part === "edge" ? [] : [provider, ...reserve])),
  );
  return limited
    .filter((name) => !known.has(name))
    .map((name) => {
      const meant = similar(name, known);
      const hint = meant === null ? "" : `: did you mean ${meant}?`;
      const text = `The limit for ${name} has no effect: no service of the agent is of that provider${hint}`;
      return { level: "warn", fields: { provider: name }, text };
    });
}

function complaint({ part, provider, problem }: AgentService): ReportLine[] {
  if (problem === null) return [];
  return [
    {
      level: "error",
      fields: { part, provider, err: loggedError(problem) },
      text: `${names[part]} ${provider} does not work: ${oneLine(problem.message)}`,
    },
  ];
}

const nameOf = ({ provider, model }: AgentService): string =>
  model === null ? provider : `${provider} ${model}`;

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
