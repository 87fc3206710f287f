import type { StartRequest } from "../agent-launcher.ts";
import type { Session } from "../supervisor/session.ts";
import type { Conversation } from "./conversation.ts";
import { metricsTable } from "./metrics-table.ts";
import { paintFor } from "./paint.ts";
import type { Printout } from "./printout.ts";
import type { RecordedCall, RecordedCallOptions } from "./recorded-call.ts";
import type { Screen } from "./screen.ts";
import { UsageError } from "./usage-error.ts";

export const help =
  "Type to talk, also while the agent speaks. /metrics shows figures; /quit or Ctrl-D ends the call.";

/** How long an agent that has joined may take to begin a greeting, before the first line of a pipe, in milliseconds. */
const greetingWaitMs = 1_000;

/** Who talks with the agent. */
interface Caller {
  readonly request: Partial<StartRequest>;
  /** Resolves when there is nothing more to say. */
  talk(conversation: Conversation, session: Session): Promise<void>;
  /** The call is over. */
  hangUp(): void;
}

function typing(screen: Screen): Caller {
  return {
    request: {},
    async talk(conversation, session) {
      if (!screen.interactive) await conversation.greeting(greetingWaitMs);
      await takeTurns(conversation, session, screen);
    },
    hangUp: () => screen.close(),
  };
}

function calling(recording: RecordedCall, printout: Printout): Caller {
  return {
    request: { inMemory: recording.inMemory },
    async talk(conversation, session) {
      const written = await recording.play(session, conversation);
      if (written !== null) printout.line(written);
    },
    hangUp: () => undefined,
  };
}

/** Until there is nothing more to say. */
async function takeTurns(conversation: Conversation, session: Session, screen: Screen): Promise<void> {
  const { dim } = paintFor(process.stdout);
  for (let line = await screen.nextLine(); line !== null; line = await screen.nextLine()) {
    const text = line.trim();
    if (text === "/quit") return;
    if (text === "/metrics") for (const row of metricsTable(session)) screen.line(dim(row));
    else if (text.startsWith("/")) screen.line(dim(help));
    else if (text !== "") {
      const answered = conversation.say(text);
      if (!screen.interactive) await answered;
    }
  }
}

/** Read before anything is started, so that a wrong file is told at once; loaded only where it is asked for. */
async function recordedCall({ wav, out, speed }: ConsoleOptions): Promise<RecordedCall | null> {
  if (wav === undefined) {
    if (out !== undefined || speed !== undefined) {
      throw new UsageError(`--${out === undefined ? "speed" : "out"} needs --wav: a recording that is the caller`);
    }
    return null;
  }
  const { RecordedCall } = await import("./recorded-call.ts");
  return RecordedCall.prepare({
    wav,
    ...(out === undefined ? {} : { out }),
    ...(speed === undefined ? {} : { speed }),
  });
}

