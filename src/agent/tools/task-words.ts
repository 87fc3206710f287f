import { cutText } from "../../shared/text/text.ts";
import type { ToolResult } from "../model/message.ts";

/** A task as the next agent of the call knows of it. */
export interface TaskState {
  readonly id: string;
  readonly name: string;
}

/** The names of the functions by which a model asks for tasks, and gives them up. */
export const taskTools = { check: "check_task", cancel: "cancel_task" } as const;

/** The most characters of a task's result that the model is told. */
const mostOfResult = 20_000;

/** Returns the result of a call that runs on. */
export const taskKept = (id: string): string =>
  `This takes longer, and runs on as ${id}. You will be told when it is over. Tell the participant that it is under way, and go on with the conversation.`;

/** Returns the instruction that tells how a task has ended. */
export const taskEnded = (
  { id, name }: TaskState,
  { ok, output }: Pick<ToolResult, "ok" | "output">,
): string =>
  `(The task ${id}, "${name}", ${ok ? "is done. Its result" : "has failed. Its error"}: ${cutText(output, mostOfResult)}\nTell the participant in a sentence.)`;

/** Returns whether a result of a tool says that the call runs on. */
export const isTaskKept = (output: string): boolean =>
  /^This takes longer, and runs on as task_\d+\. You will be told/.test(output);

/** Returns how a task has ended, where an instruction tells of that; else null. */
export function taskEndIn(
  instruction: string,
): (Pick<ToolResult, "ok" | "output"> & { readonly name: string }) | null {
  const [, name, how, output] =
    /^\(The task task_\d+, "(.*?)", (is done\. Its result|has failed\. Its error): (.*)\nTell the participant in a sentence\.\)$/s.exec(
      instruction,
    ) ?? [];
  if (name === undefined || output === undefined) return null;
  return { name, ok: how?.startsWith("is done") ?? false, output };
}

/** Returns the instruction that tells of tasks that ended with the thread of the agent before. */
export const lostTasks = (tasks: readonly TaskState[]): string =>
  `(Tasks were cut off: ${tasks.map(({ id, name }) => `${id}, "${name}"`).join("; ")}. It is not known whether they were carried out. Ask before one is done again.)`;
