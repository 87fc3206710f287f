import { z } from "zod";
import type { OptionTable } from "./option.ts";
import { toggle } from "./text-values.ts";
import { count, duration, durationOrZero } from "./values.ts";

/** The options of the launcher that bound what sessions may take, and for how long. */
export const launcherLimits = {
  maxConcurrentSessions: {
    doc:
      "The most sessions at a time in this process. The start logs what it was derived from. Raise it where your agents " +
      "mostly wait; a process that ends unexpectedly ends all its sessions.",
    schema: count.max(10_000).optional(),
    derived: "from CPU and memory",
    outside: {
      group: "Limits",
      placeholder: "number",
      help: "Most sessions at a time",
      example: "20",
    },
  },
  maxSessionsPerCall: {
    doc: "The most sessions at a time in one call, in all processes that share a registry; `null`: no limit.",
    schema: count.nullable().default(null),
    outside: {
      group: "Limits",
      placeholder: "number",
      help: "Most sessions at a time in one call",
      example: "1",
    },
  },
  warmSessions: {
    doc:
      "Threads kept warm, with the agent imported. Raise it to the number of starts that may come at once; each costs the " +
      "memory of an idle thread.",
    schema: z.int().nonnegative().optional(),
    derived: "one per core, 2 at the least",
    outside: { group: "Limits", placeholder: "number", help: "Threads kept warm", example: "2" },
  },
  maxSessionDurationMs: {
    doc:
      "The longest time that a session may last once it has its thread, in milliseconds; then it is closed as `max_duration`. `null`: " +
      "no limit.",
    schema: duration.nullable().default(null),
    outside: {
      group: "Limits",
      placeholder: "ms",
      help: "Longest time that a session may last",
      example: "3600000",
    },
  },
  agentIdleTimeoutMs: {
    doc:
      "The time for which the agent may be alone in the call before the session is closed as `idle`, in milliseconds; 0 " +
      "turns it off. Raise it where people join late.",
    schema: durationOrZero.default(60_000),
    outside: {
      group: "Limits",
      placeholder: "ms",
      help: "Close an agent that is alone for this long; 0: never",
    },
  },
  maintenanceIntervalMs: {
    doc: "The time between two looks at idle times and durations, in milliseconds.",
    schema: duration.default(1_000),
    outside: { group: "Limits", placeholder: "ms", help: "How often idle time and duration are looked at" },
  },
  threadWaitTimeoutMs: {
    doc:
      "The longest time that a start waits for a thread before it is refused with 503; and before that, for a place that " +
      "a session on its way out still holds, before it is refused with 429; in milliseconds.",
    schema: duration.default(5_000),
    outside: { group: "Limits", placeholder: "ms", help: "Longest time that a start waits for a thread" },
  },
  threadStartTimeoutMs: {
    doc: "The longest time that a thread may take to import the agent module, in milliseconds.",
    schema: duration.default(15_000),
    outside: { group: "Limits", placeholder: "ms", help: "Longest time to import the agent module" },
  },
  createTimeoutMs: {
    doc: "The longest time that `createAgent` may take, in milliseconds.",
    schema: duration.default(10_000),
    outside: { group: "Limits", placeholder: "ms", help: "Longest time that createAgent may take" },
  },
  closeGraceMs: {
    doc:
      "The longest time that a session that was asked to close may take before its thread is ended as `killed`, in " +
      "milliseconds.",
    schema: duration.default(5_000),
    outside: { group: "Limits", placeholder: "ms", help: "Longest time that a closing session may take" },
  },
  unresponsiveAfterMs: {
    doc: "A thread whose event loop stands still for this long, in milliseconds, is ended as `unresponsive`.",
    schema: duration.min(500).default(2_000),
    outside: { group: "Limits", placeholder: "ms", help: "End a thread that stands still for this long" },
  },
  heapSoftLimitMb: {
    doc:
      "Memory in MiB at which a session is asked to close as `out_of_memory`: the V8 heap of its thread, its Buffers and " +
      "wasm memory, and the same of its own worker threads.",
    schema: count.min(16).optional(),
    derived: "3/4 of heapLimitMb, 384 at the most",
    outside: {
      group: "Limits",
      placeholder: "MiB",
      help: "Memory at which a session is asked to close",
      example: "384",
    },
  },
  heapLimitMb: {
    doc:
      "The memory in MiB, counted as for `heapSoftLimitMb`, at which the session's thread is ended at once. By default, " +
      "what the memory of the process leaves for one thread while the others hold what is usual. V8's own limit is twice " +
      "this.",
    schema: count.min(32).optional(),
    derived: "what the memory of the process allows, 96 to 1024",
    outside: {
      group: "Limits",
      placeholder: "MiB",
      help: "Memory at which a session's thread is ended",
      example: "512",
    },
  },
  memoryLimitMb: {
    doc:
      "Memory in MiB that the process may use. Where little of it is left, the thread that takes most is ended as " +
      "`out_of_memory`, before the kernel ends the process.",
    schema: count.min(128).nullable().default(null),
    derived: "null: of the control groups, or the machine",
    outside: {
      group: "Limits",
      placeholder: "MiB",
      help: "Memory of the process; near it the thread that takes most is ended",
      example: "4096",
    },
  },
  localStt: {
    doc:
      "Offers agents the speech recogniser of this process, which `local.STT` uses: one for all sessions, English, with no " +
      "key. It takes some 430 MiB once a participant is to be heard, which count in the capacity. True offers it whatever else is " +
      "set, false never.",
    schema: z.boolean().optional(),
    derived: "where no `DEEPGRAM_API_KEY` is set for agents, and the process may use 1.5 GiB",
    outside: {
      group: "Limits",
      name: "noLocalStt",
      help: "Recognise no speech without a key, which takes some 430 MiB once",
      reader: toggle.transform((left) => (left ? false : undefined)),
      derived: "false",
    },
  },
  ignoreLoad: {
    doc:
      "Accepts starts also while the load guard is up, since this process or its machine has too much to do: it then only " +
      "tells, in the log and in metrics. Otherwise running calls come first, and starts are refused with 503.",
    schema: z.boolean().default(false),
    outside: { group: "Limits", help: "Accept starts also under too much load, which is only told then" },
  },
  crashStormLimit: {
    doc: "Sessions that die of one error within a minute and thereby stop new starts; 0 turns it off.",
    schema: z.int().nonnegative().max(100).default(10),
    outside: {
      group: "Limits",
      placeholder: "number",
      help: "Crashes of one kind in a minute that stop starts; 0: never",
    },
  },
  maxResumes: {
    doc:
      "The most times within a minute that the call of a session whose thread has ended (`crashed`, `unresponsive`, `out_of_memory`, " +
      "`flooded`) is taken up by another thread; then the session ends. 0: it ends with its thread, and no other replica goes on with it.",
    schema: z.int().nonnegative().max(100).default(3),
    outside: {
      group: "Limits",
      placeholder: "number",
      help: "Times in a minute that a session goes on in another thread where its own has ended; 0: never",
    },
  },
  messagesPerSecond: {
    doc: "Messages that a thread may send to the main thread in a second; more ends it as `flooded`.",
    schema: count.min(100).default(2_000),
  },
  providerConcurrency: {
    doc:
      "The most requests at a time to a provider, over all sessions of this process, such as `{ elevenlabs: 20 }`: what " +
      "your plan allows. A request beyond it waits its turn, in the order of asking, where the provider would refuse it, " +
      "and for as long as `limits.permitTimeoutMs` of its agent says. For those who speak a request is a sentence; for " +
      "those who listen a participant, for as long as they are heard: until they leave, or the agent closes.",
    type: "Readonly<Record<string, number>>",
    schema: z.record(z.string(), count).default({}),
    derived: "none",
    outside: {
      group: "Limits",
      placeholder: "limits",
      help: "Most requests at a time to each provider, such as elevenlabs:20,gemini:50",
      example: "elevenlabs:20,gemini:50",
    },
  },
} as const satisfies OptionTable;
