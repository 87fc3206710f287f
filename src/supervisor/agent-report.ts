import type { AgentReport, AgentService } from "../protocol.ts";

/** A line for people, and what a log line adds to it. */
export interface ReportLine {
  readonly level: "info" | "error";
  readonly fields: object;
  readonly text: string;
}

const names = { llm: "LLM", stt: "STT", tts: "TTS", edge: "edge" } as const;

/** What a rehearsal found, in lines: what the agent is made of, then whatever is known not to work. */
export function describeAgent({ about, services }: AgentReport): ReportLine[] {
  const made = services.map((service) => `${names[service.part]} ${nameOf(service)}`).join(", ");
  const fields = Object.fromEntries(services.map((service) => [service.part, nameOf(service)]));
  return [
    { level: "info", fields, text: `Agent: ${made}.${about === null ? "" : ` ${about}`}` },
    ...services.flatMap(complaint),
  ];
}

function complaint({ part, provider, problem }: AgentService): ReportLine[] {
  if (problem === null) return [];
  const { name, code, message } = problem;
  return [
    {
      level: "error",
      fields: { part, provider, err: { type: name, message, ...(code === undefined ? {} : { code }) } },
      text: `${names[part]} ${provider} does not work: ${oneLine(message)}`,
    },
  ];
}

const nameOf = ({ provider, model }: AgentService): string =>
  model === null ? provider : `${provider} ${model}`;

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
