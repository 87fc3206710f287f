import type { LLM } from "../llm.ts";
import type { AnsweringRole } from "../model/pipeline-responder.ts";
import type { Tasks } from "../tools/tasks.ts";
import { joinedTools, withoutNamesOf } from "../tools/tools.ts";
import type { CurrentRole } from "./current-role.ts";

/** Returns a role as the pipeline asks it, with the functions for tasks where one of its functions may become a task, or one has. */
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
      // A function of the agent's own that has the name of one of these stays: a server of tools may offer it at any time.
      return runsOn || tasks.begun ? joinedTools([tools, withoutNamesOf(tools, tasks.tools)]) : tools;
    },
  };
}
