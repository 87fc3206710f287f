import type { LLM } from "../llm.ts";
import type { AnsweringRole } from "../model/pipeline-responder.ts";
import type { Tasks } from "../tools/tasks.ts";
import { joinedTools } from "../tools/tools.ts";
import type { CurrentRole } from "./current-role.ts";

/** Returns a role as the pipeline asks it, with the functions for tasks where one of its functions may become a task. */
export function answeringRole(role: CurrentRole, tasks: Tasks): AnsweringRole {
  return {
    // Roles have text models alone, and the agent's own is one where a pipeline answers.
    get llm() {
      return role.llm as LLM;
    },
    get instructions() {
      return role.instructions;
    },
    get tools() {
      const { tools } = role;
      const runsOn = [...tools.functions.values()].some(({ runOnAfterMs }) => runOnAfterMs !== undefined);
      return runsOn ? joinedTools([tools, tasks.tools]) : tools;
    },
  };
}
