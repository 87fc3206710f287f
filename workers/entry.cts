import type { SlotBoot } from "../src/protocol.ts";

/**
 * What Piscina loads, with `require`: Node aborts the whole process where a thread is ended while `require` links an ES
 * module (an assertion in its module_wrap.cc). `import()` can be ended at any time.
 */
module.exports = async (boot: SlotBoot): Promise<never> => (await import("./session.ts")).default(boot);
