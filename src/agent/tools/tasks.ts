import type { CallContext } from "../call/call-context.ts";
import type { ToolCall, ToolResult } from "../model/message.ts";
import type { JsonSchema } from "./schema.ts";
import { type TaskState, taskEnded, taskKept, taskTools } from "./task-words.ts";
import { ToolError } from "./tool-error.ts";
import { Tools } from "./tools.ts";

/** A call of a function that is not over, and runs on while the conversation goes on. */
export interface LongCall {
  readonly call: ToolCall;
  /** Settles with the result as the model is told of it. It never rejects. */
  readonly result: Promise<Pick<ToolResult, "ok" | "output">>;
  /** Returns the progress that the function told last; an empty text where it told none. */
  readonly progress: () => string;
  /** Gives the call up. */
  readonly cancel: (reason: Error) => void;
}

interface TasksOptions {
  /** Tells the model how a task has ended: it answers once the running turn is over. */
  readonly onEnded: (instruction: string) => void;
  /** Takes in that a task has begun or is over. */
  readonly onChange: () => void;
}

/** The most functions that run on at the same time. */
const mostTasks = 16;

/** The functions of an agent that run on while its conversation goes on. They are given up when it is over. */
export class Tasks {
  readonly #context: Pick<CallContext, "signal">;
  readonly #options: TasksOptions;
  readonly #running = new Map<string, LongCall>();
  #count = 0;
  /** The functions by which the model asks for tasks, and gives them up. */
  readonly tools: Tools = new Tools();

  constructor(context: Pick<CallContext, "signal">, options: TasksOptions) {
    this.#context = context;
    this.#options = options;
    const parameters: JsonSchema = {
      type: "object",
      properties: { task: { type: "string", description: "The id of the task, such as task_1." } },
      required: ["task"],
    };
    this.tools.registerFunction<{ task: string }>({
      name: taskTools.check,
      description: "Tells how far a task has come that runs while you talk.",
      parameters,
      execute: ({ task }) => ({ task, status: "running", progress: this.#find(task).progress() }),
    });
    this.tools.registerFunction<{ task: string }>({
      name: taskTools.cancel,
      description:
        "Gives up a task that runs while you talk, where the participant does not want it any more.",
      parameters,
      execute: ({ task }) => {
        const found = this.#find(task);
        this.#over(task);
        found.cancel(new ToolError("The participant did not want it any more."));
        return { task, status: "cancelled" };
      },
    });
    context.signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  /** Knows the tasks of the agent whose call is taken up: new ones have other ids. */
  follow(before: readonly TaskState[]): void {
    this.#count = Math.max(0, ...before.map(({ id }) => Number(id.slice("task_".length))));
  }

  /** Returns the tasks that run. */
  get state(): readonly TaskState[] {
    return [...this.#running].map(([id, { call }]) => ({ id, name: call.name }));
  }

  /** Returns whether a function has run on so far. */
  get begun(): boolean {
    return this.#count > 0;
  }

  /** Returns whether one more function may run on. */
  get hasRoom(): boolean {
    return this.#running.size < mostTasks && !this.#context.signal.aborted;
  }

  /** Takes over a call that takes long. Returns the result that the model is told meanwhile. */
  keep(long: LongCall): ToolResult {
    const { id: callId, name } = long.call;
    this.#count += 1;
    const id = `task_${this.#count}`;
    this.#running.set(id, long);
    void long.result.then((result) => {
      if (!this.#over(id)) return;
      this.#options.onEnded(taskEnded({ id, name }, result));
    });
    this.#options.onChange();
    return { callId, name, ok: true, output: taskKept(id) };
  }

  #find(id: string): LongCall {
    const long = this.#running.get(id);
    if (long !== undefined) return long;
    const running = [...this.#running.keys()].join(", ");
    throw new ToolError(`No task ${id} runs. Running: ${running === "" ? "none" : running}`);
  }

  /** Returns whether the task was still running. */
  #over(id: string): boolean {
    const ran = this.#running.delete(id);
    if (ran) this.#options.onChange();
    return ran;
  }

  #close(): void {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const { cancel } of running) cancel(new DOMException("The conversation is over", "AbortError"));
  }
}
