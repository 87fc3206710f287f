import fs from "node:fs";
import inspector from "node:inspector";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import v8 from "node:v8";
import { MessagePort } from "node:worker_threads";
import { GreenroomError } from "../../shared/errors.ts";

/**
 * Returns the functions that act on the whole process, and so on every call in it: by object, how it is called in the
 * error, and the functions. Node itself refuses `process.chdir`, `abort`, `umask` with a mask, `setuid` and its kind,
 * and `crypto.setFips` in a thread.
 */
const wholeProcess = (): readonly (readonly [target: object, called: string, names: readonly string[]])[] => [
  [
    process,
    "process",
    ["kill", "_kill", "_debugProcess", "_debugEnd", "execve", "binding", "_linkedBinding"],
  ],
  // A report holds the environment that the process was started with.
  [process.report, "process.report", ["getReport", "writeReport"]],
  [os, "os", ["setPriority"]],
  [v8, "v8", ["setFlagsFromString", "setHeapSnapshotNearHeapLimit"]],
  [inspector, "inspector", ["open", "close", "waitForDebugger"]],
  // A session of the debugger reaches Node's own ports, and through them, or at once, the main thread.
  [inspector.Session.prototype, "inspector.Session", ["connect", "connectToMainThread"]],
];

/**
 * Takes from this thread what would act on the whole process: such a function throws NOT_IN_A_SESSION from here on. To be called before
 * an agent's module is imported. It keeps an agent's mistakes from other calls; code that means harm shares the process all the same
 * (see SECURITY.md).
 */
export function isolateThread(): void {
  for (const [target, called, names] of wholeProcess()) {
    for (const name of names) if (name in target) replace(target, name, refusal(`${called}.${name}()`));
  }
  Object.defineProperty(process, "title", { value: process.title, writable: false });
  hidePorts();
  keepDescriptors();
  syncBuiltinESMExports();
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
}

function refusal(what: string): () => never {
  return () => {
    throw new GreenroomError("NOT_IN_A_SESSION", what);
  };
}

/** Hides the ports to the main thread, which are no handles of the agent's. */
function hidePorts(): void {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): readonly unknown[] };
  replace(process, "_getActiveHandles", () =>
    handles.call(process).filter((handle) => !(handle instanceof MessagePort)),
  );
}

/** Guards file descriptors, which are the process's: a thread may close those alone that it has opened. */
function keepDescriptors(): void {
  const { open, openSync, close, closeSync } = fs;
  const opened = new Set<number>();
  const checked = (fd: unknown) => {
    // Node says what is wrong with what is no number.
    if (typeof fd === "number" && !opened.delete(fd)) {
      throw new GreenroomError(
        "NOT_IN_A_SESSION",
        `Closing file descriptor ${fd}, which this thread has not opened,`,
      );
    }
  };
  type Callback = (error: Error | null, fd: number) => void;
  replace(fs, "open", (...given: unknown[]) => {
    const done = given.at(-1);
    if (typeof done !== "function") return Reflect.apply(open, fs, given);
    const noted: Callback = (error, fd) => {
      if (!error) opened.add(fd);
      (done as Callback)(error, fd);
    };
    return Reflect.apply(open, fs, [...given.slice(0, -1), noted]);
  });
  replace(fs, "openSync", (...given: unknown[]) => {
    const fd: number = Reflect.apply(openSync, fs, given);
    opened.add(fd);
    return fd;
  });
  replace(fs, "close", (...given: unknown[]) => {
    checked(given[0]);
    return Reflect.apply(close, fs, given);
  });
  replace(fs, "closeSync", (fd: unknown) => {
    checked(fd);
    return Reflect.apply(closeSync, fs, [fd]);
  });
}
