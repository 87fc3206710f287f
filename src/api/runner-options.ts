/* Made by `npm run docs` from the tables of `src/options/`: change it there. */

import type { LogLevel } from "../shared/protocol.ts";
import type { ServeOptions } from "./serve-options.ts";

/** The options of `Runner`: how the server serves, and how it shuts down. All times are in milliseconds. */
export interface RunnerOptions extends ServeOptions {
  /**
   * The time after SIGTERM for which starts are still accepted while `/ready` and `/serving` tell balancers
   * to look elsewhere, in milliseconds. Raise it to what your balancer needs to notice; 0 where there is
   * none. On loopback it is 0 while there is no call, unless it is given.
   * @default 5000
   */
  readonly drainAnnounceMs?: number;
  /**
   * Then, how long running calls may go on before they are closed as `drained`, in milliseconds. Together
   * with the announcement (5 s) and the grace of a close (5 s) the default leaves 5 s of the 30 s that
   * Kubernetes waits by default; the last webhooks may take 10 s, and a last scrape of metrics with a port of
   * their own 20 s more. Raise it, and `terminationGracePeriodSeconds` with it, where calls should be heard
   * to their end.
   * @default 15000
   */
  readonly drainTimeoutMs?: number;
}

/** The options of a conversation in the terminal. */
export interface ConsoleOptions {
  /**
   * The type of the call.
   * @default "default"
   */
  readonly callType?: string;
  /**
   * The id of the call.
   * @default made up
   */
  readonly callId?: string;
  /**
   * A person joins the call: the address where they do is printed, wherever the output goes, and the call
   * goes on until it ends, though nothing is typed. Otherwise the address is a hint, where somebody sits
   * there and the agent's edge makes one.
   * @default false
   */
  readonly join?: boolean;
  /**
   * Says how to talk, and what else can be typed, where somebody sits there.
   * @default true
   */
  readonly hints?: boolean;
  /**
   * Begins the conversation with the name and the version, where the output is a terminal.
   * @default true
   */
  readonly splash?: boolean;
  /**
   * The caller's speech: a WAV file of 16-bit PCM. It takes the place of the keyboard.
   * @default none
   */
  readonly wav?: string;
  /**
   * The path to write the conversation with a recording to, as a stereo WAV file: the caller left, the agent
   * right.
   * @default none
   */
  readonly out?: string;
  /**
   * The number of times that a call with a recording runs faster than life, 1 to 100. Services over a network
   * need 1.
   * @default 1
   */
  readonly speed?: number;
  /**
   * The least level of the log lines, as JSON on standard error.
   * @default from `warn` on, in words, and only what the conversation does not show
   */
  readonly logLevel?: LogLevel;
}
