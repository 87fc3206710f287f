import type { Agent } from "greenroom";

/** Asks a caller who says nothing twice, and leaves the third time. Call it in `createAgent`. */
export function askWhoIsSilent(agent: Agent): void {
  agent.subscribe(async (event) => {
    if (event.type !== "user_silent") return;
    if (event.times < 3) await agent.say("Are you still there?");
    else await agent.close();
  });
}
