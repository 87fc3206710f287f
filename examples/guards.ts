import type { Guard } from "greenroom";

/** Keeps the numbers of payment cards out of the conversation. */
export const noCards: Guard = {
  name: "cards",
  heard: ({ text }) => (/(?:\d[ -]?){13,19}/.test(text) ? { reason: "payment_card" } : null),
  line: "Please do not tell me your card number.",
};

/** Has another service judge each sentence of the agent. `signal` fires when nobody waits for the verdict any more. */
export const moderated = (url: string): Guard => ({
  name: "moderation",
  async say({ text, before }, signal) {
    const answer = await fetch(url, { method: "POST", body: JSON.stringify({ text, before }), signal });
    const { reason } = (await answer.json()) as { reason?: string };
    return reason === undefined ? null : { reason };
  },
});
