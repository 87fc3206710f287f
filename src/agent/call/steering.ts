import { plainError } from "../../shared/errors.ts";
import type { SessionAnswer } from "../../shared/protocol.ts";
import type { SteerQuestion } from "../../shared/session/steering.ts";
import type { CurrentRole } from "../role/current-role.ts";
import type { Dialogue } from "../turns/dialogue.ts";
import type { Turn } from "../turns/turn.ts";

/** Has the agent do the things that callers of the REST API ask for. */
export class Steering {
  readonly #dialogue: Dialogue;
  readonly #role: CurrentRole;

  constructor(dialogue: Dialogue, role: CurrentRole) {
    this.#dialogue = dialogue;
    this.#role = role;
  }

  #change({ role, instructions }: Extract<SteerQuestion, { readonly about: "change" }>): SessionAnswer {
    try {
      if (role !== undefined) this.#role.become(role, "api");
    } catch (error) {
      // There is no such role.
      return { outcome: "refused", reason: plainError(error).message };
    }
    if (instructions !== undefined) this.#role.instruct(instructions);
    return { outcome: "given", value: {} };
  }

  answer(question: SteerQuestion): SessionAnswer {
    switch (question.about) {
      case "say":
        return added(this.#dialogue.say(question.text, question, true));
      case "respond":
        return added(this.#dialogue.owe(question.instruction));
      case "interrupt":
        return { outcome: "given", value: { turn_id: this.#dialogue.interrupt()?.id ?? null } };
      case "change":
        return this.#change(question);
      default:
        return question satisfies never;
    }
  }
}

/** Returns the answer about a turn that was added. One that fails at once found no place among those that wait. */
function added(turn: Turn): SessionAnswer {
  if (turn.state === "failed") return { outcome: "refused", reason: "Too many turns wait" };
  return { outcome: "given", value: { turn_id: turn.id } };
}
