import { randomBytes } from "node:crypto";
import type { AgentLauncher } from "../agent-launcher.ts";
import type { EndReason, LogLevel } from "../protocol.ts";
import type { Session } from "../supervisor/session.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { type Caller, openCaller } from "./caller.ts";
import { Conversation } from "./conversation.ts";
import { harmless, paintFor } from "./paint.ts";
import type { RecordedCallOptions } from "./recorded-call.ts";
import { splash } from "./splash.ts";
import { tellReport } from "./tell-report.ts";
import { help } from "./typing-caller.ts";

/** A conversation in the terminal. */
export interface ConsoleOptions extends Partial<RecordedCallOptions> {
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

/**
 * One call, typed and read in the terminal, through the same launcher and a real thread. Where standard input is no
 * terminal each line is a turn, and the next one is said when it is answered. With `wav`, a recording is the caller.
 * Resolves with the reason that the call ended of; rejects with the agent's own error where it could not be started. The
 * launcher is stopped either way.
 */
export async function converse(launcher: AgentLauncher, options: ConsoleOptions = {}): Promise<EndReason> {
  const { callType = "default", callId = `console-${randomBytes(3).toString("hex")}` } = options;
  const { logLevel = "warn", hints = true, wav, out, speed } = options;
  launcher.override({
    maxConcurrentSessions: 1,
    warmSessions: 1,
    // Whoever sits at a keyboard may think for a while.
    agentIdleTimeoutMs: 0,
    logFd: 2,
    logLevel,
    agentsLogLevel: logLevel,
  });
  const left = Promise.withResolvers<void>();
  const caller = await openCaller({ wav, out, speed }, left.resolve);
  const supervisor = await launcher.supervisor();
  if ((options.splash ?? true) && process.stdout.isTTY) console.log(splash(launcher, process.stdout));
  supervisor.onRehearsed((report) => tellReport(report, caller, hints));
  process.once("SIGINT", left.resolve).once("SIGTERM", left.resolve);
  try {
    if (caller.interactive && hints) caller.printout.line(paintFor(process.stdout).dim(help));
    return await talk(supervisor, { callType, callId }, caller, left.promise);
  } finally {
    caller.close();
    process.off("SIGINT", left.resolve).off("SIGTERM", left.resolve);
    await launcher.stop();
  }
}

async function talk(
  supervisor: Supervisor,
  call: { readonly callType: string; readonly callId: string },
  caller: Caller,
  left: Promise<void>,
): Promise<EndReason> {
  const start = async () => {
    await supervisor.start();
    return supervisor.startSession({ ...call, ...caller.request, createdBy: "console" });
  };
  const session = await Promise.race([start(), left]);
  if (!session) return "closed";
  void left.then(() => supervisor.closeSession(session.id, { by: "console" }));
  const conversation = new Conversation(supervisor, session, caller.printout);
  void conversation.ended.then(() => caller.close());
  await caller.talk(conversation, session);
  await supervisor.closeSession(session.id, { by: "console", wait: true });
  const reason = await conversation.ended;
  caller.printout.line(epitaph(session, reason));
  return reason;
}

function epitaph(session: Session, reason: EndReason): string {
  const { dim, red } = paintFor(process.stdout);
  const said = dim(`The call has ended: ${reason}.`);
  return session.error
    ? `${said}\n${red(harmless(`${session.error.name}: ${session.error.message}`))}`
    : said;
}
