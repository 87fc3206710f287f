import { randomBytes } from "node:crypto";
import { supervisorOf } from "../../agent-launcher.ts";
import type { AgentLauncher } from "../../api/agent-launcher.ts";
import type { AgentLauncherOptions } from "../../api/launcher-options.ts";
import type { ConsoleOptions } from "../../api/runner-options.ts";
import type { LogEvent } from "../../log/log-events.ts";
import type { EndReason } from "../../shared/end-reasons.ts";
import type { AgentReport } from "../../shared/protocol.ts";
import { errorLine } from "../../supervisor/log-error.ts";
import type { Session } from "../../supervisor/session/session.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { describeAgent } from "../../supervisor/warm-up/agent-report.ts";
import { errorLines } from "../commands/error-lines.ts";
import { UsageError } from "../commands/usage-error.ts";
import { harmless, paintFor } from "../terminal/paint.ts";
import { readableLog } from "../terminal/readable-log.ts";
import { splash } from "../terminal/splash.ts";
import { noLinks, showDemoLink, showTalkLink } from "./call-link.ts";
import type { ConsoleCaller } from "./caller.ts";
import { ConsoleConversation } from "./console-conversation.ts";
import { openCaller } from "./open-caller.ts";
import { consoleCaller, TalkServer } from "./talk-server.ts";
import { help } from "./typing-caller.ts";

/**
 * Holds one call that is typed and read in the terminal, through the same launcher and a real thread. Where standard
 * input is no terminal each line is a turn, and the next one is sent when it is answered. With `wav`, a recording is
 * the caller. Resolves with the end reason of the call; rejects with the agent's own error where it could not be
 * started. The launcher is stopped either way.
 */
export async function converse(launcher: AgentLauncher, options: ConsoleOptions = {}): Promise<EndReason> {
  return (await converseToEnd(launcher, options)).reason;
}

/** The result of a conversation. */
export interface ConversationEnd {
  readonly reason: EndReason;
  /** The reason for which the conversation failed although the call ended well; else null. */
  readonly failure: string | null;
}

/** Holds a call as {@link converse} does, and resolves with its whole result. */
export async function converseToEnd(
  launcher: AgentLauncher,
  options: ConsoleOptions,
): Promise<ConversationEnd> {
  const { callType = "default", callId = `console-${randomBytes(3).toString("hex")}` } = options;
  const { hints = true, join = false, wav, out, speed } = options;
  if (join && wav !== undefined)
    throw new UsageError("--join is for a person, and --wav for a recording: use one of them");
  launcher.override({
    maxConcurrentSessions: 1,
    warmSessions: 1,
    // A person at a keyboard may think for a while.
    agentIdleTimeoutMs: 0,
    // A person who tries an agent out is to see it fail.
    maxResumes: 0,
    // This is the only call of the process.
    ignoreLoad: true,
    ...logging(options, launcher),
  });
  const left = Promise.withResolvers<void>();
  const caller = await openCaller({ wav, out, speed }, left.resolve);
  process.once("SIGINT", left.resolve).once("SIGTERM", left.resolve);
  let talkServer = null as TalkServer | null;
  try {
    const supervisor = await supervisorOf(launcher);
    if ((options.splash ?? true) && process.stdout.isTTY)
      caller.printout.line(splash(launcher, process.stdout));
    let receives = false;
    supervisor.onRehearsed((report) => {
      ({ receives } = report);
      showAgentReport(report, caller, { hints, limited: supervisor.limitedProviders });
    });
    if (caller.interactive && hints) caller.printout.line(paintFor(process.stdout).dim(help));
    const start = async () => {
      await supervisor.start();
      const offered = join || (hints && caller.interactive && wav === undefined);
      if (receives && offered) talkServer = await TalkServer.open(launcher);
      // An edge that waits for clients gets none where nobody is shown the way: the call takes place in memory, and in text.
      const place = receives && !offered ? { inMemory: { sound: false } } : {};
      const request = { callType, callId, ...place, ...caller.request, createdBy: consoleCaller };
      return supervisor.startSession(request);
    };
    const link = (session: Session) =>
      talkServer
        ? showTalkLink(talkServer.link(session.id), caller.printout)
        : showDemoLink(supervisor, session, caller.printout);
    return await talk(supervisor, start, link, caller, left.promise, { hints, join });
  } finally {
    caller.close();
    await talkServer?.close();
    process.off("SIGINT", left.resolve).off("SIGTERM", left.resolve);
    await launcher.stop();
  }
}

/**
 * The events that are left out of the log in a conversation. The conversation shows the first ones in its own words;
 * the last one is of no use to a caller.
 */
const leftOut: readonly LogEvent[] = [
  "thread_start_failed",
  "agent_warm_up_failed",
  "session_ended",
  "load_guard_changed",
];

function logging(
  { logLevel }: ConsoleOptions,
  { options: { logger } }: AgentLauncher,
): Partial<AgentLauncherOptions> {
  if (logLevel !== undefined) return { logFd: 2, logLevel, agentsLogLevel: logLevel };
  const forEyes = { logFd: 2, agentsLogLevel: "warn", agentsLogFormat: "words" } as const;
  return { ...forEyes, logger: logger ?? readableLog("warn", process.stderr, leftOut) };
}

async function talk(
  supervisor: Supervisor,
  start: () => Promise<Session>,
  link: ShowLink,
  caller: ConsoleCaller,
  left: Promise<void>,
  { hints, join }: { readonly hints: boolean; readonly join: boolean },
): Promise<ConversationEnd> {
  const session = await Promise.race([start(), left]);
  if (!session) return { reason: "closed", failure: null };
  let interrupted = false;
  void left.then(() => {
    interrupted = true;
    return supervisor.closeSession(session.id, { by: consoleCaller });
  });
  const conversation = new ConsoleConversation(supervisor, session, caller.printout);
  void conversation.ended.then(() => caller.close());
  const unlinked = join ? await showLink(link, session, conversation) : null;
  if (!join && hints && caller.interactive) void hintAtLink(link, session, conversation, caller);
  if (hints && caller.interactive) void hintAtWait(session, conversation, caller);
  if (unlinked === null) await caller.talk(conversation, session);
  if (unlinked === null && join && !caller.interactive) await conversation.ended;
  await supervisor.closeSession(session.id, { by: consoleCaller, wait: true });
  const reason = await conversation.ended;
  const failure = interrupted ? null : (unlinked ?? caller.failure);
  if (failure !== null) caller.printout.line(paintFor(process.stdout).red(`· ${failure}`));
  caller.printout.line(endLine(session, reason));
  return { reason, failure };
}

/** Shows how a person joins the call. Resolves with the reason where they cannot; null where they can. */
type ShowLink = (session: Session) => Promise<string | null> | string | null;

/** Shows the link once the agent is in the call. Resolves with the reason where there is none; null where there is, or the call is over. */
async function showLink(
  link: ShowLink,
  session: Session,
  conversation: ConsoleConversation,
): Promise<string | null> {
  await conversation.joined;
  return session.state === "live" ? link(session) : null;
}

async function hintAtLink(
  link: ShowLink,
  session: Session,
  conversation: ConsoleConversation,
  { printout }: ConsoleCaller,
): Promise<void> {
  const failure = await showLink(link, session, conversation);
  if (failure === null || failure === noLinks || session.state === "ended") return;
  printout.line(paintFor(process.stdout).red(`· ${failure}`));
}

/** Shows why an agent has not spoken yet: in a call with sound it waits for somebody to come. */
async function hintAtWait(
  session: Session,
  conversation: ConsoleConversation,
  { printout }: ConsoleCaller,
): Promise<void> {
  await conversation.joined;
  const { waitsMs } = session.timeline;
  if (waitsMs === null || session.state !== "live") return;
  const hint = `Nobody is in the call yet: the agent waits up to ${waitsMs / 1_000} s for somebody, or for what you type.`;
  printout.line(paintFor(process.stdout).dim(hint));
}

function endLine(session: Session, reason: EndReason): string {
  const { dim, red } = paintFor(process.stdout);
  const said = dim(`The call has ended: ${reason}.`);
  if (!session.error) return said;
  const lines = errorLines(session.error.stack).map((line) => dim(harmless(line)));
  return [said, red(harmless(errorLine(session.error))), ...lines].join("\n");
}

/**
 * Shows the parts of the agent, where hints are wanted, and its faults. Where the conversation goes to a pipe or a file
 * they are written to standard error.
 */
function showAgentReport(
  report: AgentReport,
  caller: ConsoleCaller,
  { hints, limited }: { readonly hints: boolean; readonly limited: readonly string[] },
): void {
  const { dim, red, yellow } = paintFor(caller.interactive ? process.stdout : process.stderr);
  const tell = (text: string) =>
    caller.interactive ? caller.printout.line(text) : process.stderr.write(`${text}\n`);
  for (const { level, text } of describeAgent(report, limited)) {
    if (level === "error") tell(red(harmless(text)));
    else if (level === "warn") tell(yellow(harmless(text)));
    else if (hints) tell(dim(harmless(text)));
  }
  const lacking = (["stt", "tts"] as const).filter(
    (lack) => !report.services.some(({ part }) => part === lack),
  );
  if (caller.request.inMemory !== undefined && hints && lacking.length > 0) {
    const names = lacking.map((part) => part.toUpperCase()).join(" and no ");
    tell(dim(`It has no ${names} of its own: in this call offline stand-ins take their place.`));
  }
}
