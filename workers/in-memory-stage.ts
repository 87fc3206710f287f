import type { Stage } from "../src/agent/host.ts";
import * as local from "../src/providers/local/index.ts";
import { Edge } from "../src/providers/memory/edge.ts";
import type { InMemoryCall } from "../src/shared/protocol.ts";

/** Returns the stage of a call in memory. It is reached from any thread by `dial`, under this name. */
export function inMemoryStage(name: string, call: InMemoryCall): Stage {
  return {
    edge: new Edge({ ...call, name }),
    stt: () => new local.STT(),
    tts: () => new local.TTS(),
  };
}
