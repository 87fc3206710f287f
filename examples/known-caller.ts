import type { Agent } from "greenroom";

/** Begins a call with what is known from an earlier one. Call it in `createAgent`. */
export function remember(agent: Agent): void {
  agent.conversation.append(
    { role: "participant", participantId: "ann", text: "I ordered a red bicycle." },
    { role: "agent", text: "It will be there on Monday.", toolCalls: [] },
  );
}
