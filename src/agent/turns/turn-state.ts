import type { TurnOutcome } from "../../shared/session/agent-event.ts";

/** A turn goes through these, and ends once. One that is not spoken begins at `committed`. */
export type TurnState =
  | "listening"
  | "eager"
  | "committed"
  | "thinking"
  | "speaking"
  | "dropped"
  | TurnOutcome;

/**
 * The states that may follow each state:
 *
 *   listening ⇄ eager ──▶ committed ──▶ thinking ──▶ speaking ──▶ done | interrupted | failed
 *       └─────────┴──▶ dropped (it was no turn: noise, or a "mhm")
 */
export const nextTurnStates: Readonly<Record<TurnState, readonly TurnState[]>> = {
  listening: ["eager", "committed", "dropped", "interrupted", "failed"],
  eager: ["listening", "committed", "dropped", "interrupted", "failed"],
  committed: ["thinking", "speaking", "interrupted", "failed"],
  thinking: ["speaking", "done", "interrupted", "failed"],
  speaking: ["done", "interrupted", "failed"],
  dropped: [],
  done: [],
  interrupted: [],
  failed: [],
};
