import { randomBytes } from "node:crypto";
import type { AgentLauncher } from "../agent-launcher.ts";
import type { EndReason, LogLevel } from "../protocol.ts";
import type { Session } from "../supervisor/session.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { Conversation } from "./conversation.ts";
import { metricsTable } from "./metrics-table.ts";
import { harmless, paintFor } from "./paint.ts";
import { openScreen, type Screen } from "./screen.ts";
import { splash } from "./splash.ts";

/** A conversation in the terminal. */
export interface ConsoleOptions {
  /** Default `default`. */
  readonly callType?: string;
  /** Default: made up. */
  readonly callId?: string;
  /** Least level of the log lines, which go to standard error. Default `warn`, so that they do not disturb. */
  readonly logLevel?: LogLevel;
  /** Begin with the name and the version, where the output is a terminal. Default true. */
  readonly splash?: boolean;
  /** Say how to talk, and what else can be typed, where somebody sits there. Default true. */
  readonly hints?: boolean;
}

const help =
  "Type to talk, also while the agent speaks. /metrics shows figures; /quit or Ctrl-D ends the call.";

/**
 * One call, typed and read in the terminal, through the same launcher and a real thread. Where standard input is no
 * terminal each line is a turn, and the next one is said when it is answered. Resolves with the reason that the call ended
 * of; rejects with the agent's own error where it could not be started. The launcher is stopped either way.
 */
export async function converse(launcher: AgentLauncher, options: ConsoleOptions = {}): Promise<EndReason> {
  const { callType = "default", callId = `console-${randomBytes(3).toString("hex")}` } = options;
  const { logLevel = "warn" } = options;
  launcher.override({
    maxConcurrentSessions: 1,
    warmSessions: 1,
    // Whoever sits at a keyboard may think for a while.
    agentIdleTimeoutMs: 0,
    logFd: 2,
    logLevel,
    agentsLogLevel: logLevel,
  });
  const supervisor = await launcher.supervisor();
  if ((options.splash ?? true) && process.stdout.isTTY) console.log(splash(launcher, process.stdout));
  const left = Promise.withResolvers<void>();
  const screen = openScreen(left.resolve);
  process.once("SIGINT", left.resolve).once("SIGTERM", left.resolve);
  try {
    if (screen.interactive && (options.hints ?? true)) screen.line(paintFor(process.stdout).dim(help));
    return await talk(supervisor, screen, { callType, callId }, left.promise);
  } finally {
    screen.close();
    process.off("SIGINT", left.resolve).off("SIGTERM", left.resolve);
    await launcher.stop();
  }
}

async function talk(
  supervisor: Supervisor,
  screen: Screen,
  call: { readonly callType: string; readonly callId: string },
  left: Promise<void>,
): Promise<EndReason> {
  const start = async () => {
    await supervisor.start();
    return supervisor.startSession({ ...call, createdBy: "console" });
  };
  const session = await Promise.race([start(), left]);
  if (!session) return "closed";
  void left.then(() => supervisor.closeSession(session.id, { by: "console" }));
  const conversation = new Conversation(supervisor, session, screen);
  void conversation.ended.then(() => screen.close());
  if (!screen.interactive) await conversation.greeting();
  await takeTurns(conversation, session, screen);
  await supervisor.closeSession(session.id, { by: "console", wait: true });
  const reason = await conversation.ended;
  screen.line(epitaph(session, reason));
  return reason;
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

function epitaph(session: Session, reason: EndReason): string {
  const { dim, red } = paintFor(process.stdout);
  const said = dim(`The call has ended: ${reason}.`);
  return session.error
    ? `${said}\n${red(harmless(`${session.error.name}: ${session.error.message}`))}`
    : said;
}
