import type { SlotBoot } from "../src/shared/protocol.ts";

/*
 * The port over which Piscina gives this thread its task. Piscina loads this file first, and listens to its port next; it keeps the port
 * to itself. Once the task is here the port is closed: whatever an agent's code sent over it would be an error within Piscina, in the main
 * thread, that nobody catches. test/thread/messages.test.ts fails where it is not found any more.
 */
let taskPort: InstanceType<typeof MessagePort> | undefined;

const { MessagePort } = process.getBuiltinModule("node:worker_threads");
const { on } = MessagePort.prototype;
MessagePort.prototype.on = function (
  this: InstanceType<typeof MessagePort>,
  ...given: Parameters<typeof on>
) {
  const [event, listener] = given;
  if (event === "message" && (listener as { readonly name: string }).name === "bound onMessage") {
    taskPort = this;
    Reflect.deleteProperty(MessagePort.prototype, "on");
  }
  return Reflect.apply(on, this, given);
} as typeof on;

/**
 * The module that Piscina loads with `require`: Node aborts the whole process where a thread is ended while `require`
 * links an ES module (an assertion in its module_wrap.cc). `import()` can be ended at any time.
 */
module.exports = async (boot: SlotBoot): Promise<never> => {
  taskPort?.close();
  return (await import("./session.ts")).default(boot);
};
