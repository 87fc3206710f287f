import type { LoggedEvent, SessionTimeline } from "../../api/session.ts";
import type { TranscriptLine } from "../../api/session-summary.ts";
import type { CarriedMetrics } from "../../metrics/session-metrics.ts";
import type { SessionClaim } from "../../registry/registry.ts";
import type { JsonObject, Resumption, TextMessage } from "../../shared/protocol.ts";

/** The number of this form of {@link CarriedSession}. A process takes up no session in another form. */
const form = 1;

/** Everything that another process needs to go on with a session, beside its claim. It is plain JSON. */
export interface CarriedSession {
  readonly config: JsonObject;
  /** The role that its agent has; null: that of its own options. Left out by an earlier version. */
  readonly role?: string | null;
  readonly timeline: SessionTimeline;
  /** The state of its call, the words that were heard last, and how often it was taken up before. */
  readonly call: Pick<Resumption, "state" | "heard" | "times">;
  /** The messages that participants typed and the agent has not taken. */
  readonly typed: readonly TextMessage[];
  readonly metrics: CarriedMetrics;
  /** The words so far; null where they are not kept. */
  readonly transcript: readonly TranscriptLine[] | null;
  /** The id of its last event. */
  readonly lastEventId: number;
  /** Its last events, as many as fit. Left out by an earlier version. */
  readonly events?: readonly LoggedEvent[];
}

/** A session that goes on in this process, and began in another one. */
export interface ArrivedSession {
  readonly claim: SessionClaim;
  readonly carried: CarriedSession;
  /** The number of events that the other process may have told, and nobody knows; left out where there are none. */
  readonly unknownEvents?: number;
}

/** The most characters of events that go along with a session: to a process that takes it over, and into the registry. */
export const eventCharacters = { handedOver: 256 * 1_024, kept: 4_096 };

/** Returns a session as text for another process. */
export const writeCarried = (carried: CarriedSession): string => JSON.stringify({ form, ...carried });

/** Reads what {@link writeCarried} of another process wrote. Throws where it has another form. */
export function readCarried(text: string): CarriedSession {
  const { form: found, ...carried } = JSON.parse(text) as CarriedSession & { readonly form: unknown };
  if (found !== form) throw new Error(`A session in form ${found}, where form ${form} is known`);
  return carried;
}
