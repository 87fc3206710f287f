import type { SessionEvent } from "../../api/session.ts";
import { within } from "../../shared/deadline.ts";
import type { EndReason } from "../../shared/end-reasons.ts";
import type { ToolEvent, TranscriptEvent, TurnEvent } from "../../shared/session/agent-event.ts";
import { cutTextStart } from "../../shared/text/text.ts";
import type { Session } from "../../supervisor/session/session.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { harmless, paintFor } from "../terminal/paint.ts";
import type { Printout } from "../terminal/printout.ts";

/** The longest time that an answer is waited for, in milliseconds. */
const answerTimeoutMs = 120_000;
/** The number of characters that show where words were cut. */
const longestTail = 60;

/** A session shown on a screen, and words for it. */
export class ConsoleConversation {
  readonly #supervisor: Supervisor;
  readonly #session: Session;
  readonly #screen: Printout;
  readonly #paint = paintFor(process.stdout);
  readonly #joined = Promise.withResolvers<void>();
  readonly #spoke = Promise.withResolvers<void>();
  readonly #firstTurnOver = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<EndReason>();
  /** The callbacks of those who wait for an answer, by message first and by turn once there is one. */
  readonly #waiting = new Map<string, () => void>();
  /** The agent's words in each running turn: those that were shown as they came, and those of them that were heard. */
  readonly #words = new Map<string, { shown: string; heard: string }>();

  constructor(supervisor: Supervisor, session: Session, screen: Printout) {
    this.#supervisor = supervisor;
    this.#session = session;
    this.#screen = screen;
    session.events.subscribe(0, ({ event }) => this.#happened(event));
  }

  get ended(): Promise<EndReason> {
    return this.#ended.promise;
  }

  /** Resolves when the agent is in the call, or will not be. */
  get joined(): Promise<void> {
    return this.#joined.promise;
  }

  /** Resolves when the agent has answered, or will not. */
  async say(text: string): Promise<void> {
    try {
      const messageId = this.#supervisor.sendMessage(this.#session, { text, participantId: "console" });
      const answered = new Promise<void>((resolve) => this.#waiting.set(messageId, resolve));
      await within(answered, answerTimeoutMs, "The answer");
    } catch (error) {
      this.#screen.line(this.#paint.red((error as Error).message));
    }
  }

  /**
   * Resolves when the agent is in the call and has spoken its greeting, if it has one.
   * @param waitMs The time after its join within which the greeting has to begin, in milliseconds.
   */
  async greeting(waitMs: number): Promise<void> {
    await this.#joined.promise;
    const begun = Promise.race([this.#spoke.promise, this.#firstTurnOver.promise, this.ended]);
    const greets = within(begun, waitMs, "A greeting").then(
      () => true,
      () => false,
    );
    const over = Promise.race([this.#firstTurnOver.promise, this.ended]);
    if (await greets) await within(over, answerTimeoutMs, "The greeting").catch(() => {});
  }

  #happened(event: SessionEvent): void {
    switch (event.type) {
      case "transcript":
        if (event.role === "agent") this.#agentSpeaks(event);
        else if (event.final) this.#heard(event);
        break;
      case "tool":
        this.#toolEnded(event);
        break;
      case "turn":
        this.#turnOver(event);
        break;
      case "state":
        if (event.state !== "starting" && event.state !== "joining") this.#joined.resolve();
        break;
      case "end":
        this.#end(event.reason);
        break;
      case "interrupted":
        this.#screen.line(this.#paint.red(`· the agent's thread has ended: ${event.reason}`));
        break;
      case "resumed":
        this.#screen.line(this.#paint.dim("· the agent is back"));
        break;
      case "blocked":
        this.#screen.line(
          this.#paint.dim(`· blocked by ${harmless(event.guard)}: ${harmless(event.reason)}`),
        );
        break;
      case "role":
        this.#screen.line(this.#paint.dim(`· the agent's role: ${harmless(event.role ?? "its own")}`));
        break;
      case "metrics":
      case "user_silent":
      case "participant_heard":
        break;
      case "participant_unheard":
        this.#screen.line(
          this.#paint.red(
            `· ${harmless(event.participantId)} is not heard: ${harmless(event.error.message)}`,
          ),
        );
        break;
      default:
        event satisfies never;
    }
  }

  #agentSpeaks({ turnId, delta = "", text = "", final }: TranscriptEvent): void {
    this.#spoke.resolve();
    const { shown = "" } = this.#words.get(turnId) ?? {};
    this.#words.set(turnId, { shown: shown + delta, heard: text });
    if (delta !== "") this.#screen.words(harmless(delta));
    if (final) this.#screen.endWords();
  }

  /**
   * Notes that a message has become a turn, whose answer is the message's answer. Words that were spoken are shown
   * here, since nobody has typed them.
   */
  #heard({ messageId, turnId, participantId, text }: TranscriptEvent): void {
    if (messageId === undefined) {
      this.#screen.line(`${harmless(participantId)}: ${harmless(text ?? "")}`);
      return;
    }
    const answered = this.#waiting.get(messageId);
    if (!answered) return;
    this.#waiting.delete(messageId);
    this.#waiting.set(turnId, answered);
  }

  #toolEnded({ name, durationMs, ok, error }: ToolEvent): void {
    const { dim, red } = this.#paint;
    this.#screen.line(
      `${dim(`· ${harmless(name)} ${Math.round(durationMs)} ms`)}${ok ? "" : red(` failed${error === undefined ? "" : `: ${harmless(error)}`}`)}`,
    );
  }

  #turnOver({ turnId, outcome, error }: TurnEvent): void {
    const { dim, red } = this.#paint;
    const cut = this.#cut(turnId);
    if (outcome === "interrupted") this.#screen.line(dim(`· interrupted${cut}`));
    if (outcome === "failed")
      this.#screen.line(red(`· failed${cut}: ${harmless(error?.message ?? "no reason given")}`));
    this.#firstTurnOver.resolve();
    this.#waiting.get(turnId)?.();
    this.#waiting.delete(turnId);
  }

  /**
   * Returns the mark that shows where the agent's words were cut: they are shown as they come, which is before they are
   * heard.
   */
  #cut(turnId: string): string {
    const { shown, heard } = this.#words.get(turnId) ?? { shown: "", heard: "" };
    this.#words.delete(turnId);
    const [all, part] = [shown, heard].map((text) => harmless(text).replaceAll(/\s+/g, " ").trim());
    if (all === part) return "";
    return part
      ? ` after “${part.length > longestTail ? `…${cutTextStart(part, longestTail)}` : part}”`
      : " before a word was heard";
  }

  #end(reason: EndReason): void {
    this.#screen.endWords();
    for (const answered of this.#waiting.values()) answered();
    this.#waiting.clear();
    this.#joined.resolve();
    this.#ended.resolve(reason);
  }
}
