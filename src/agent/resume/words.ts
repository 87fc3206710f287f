/** The instruction for an answer that was cut in its middle. */
export const goOn =
  "You were cut off in the middle of your answer. Say the rest of it, without what was said already.";

/** The result of a tool of which nobody knows whether it was carried out. */
export const unknownOutcome =
  "The call was cut while this ran: it is not known whether it was carried out. Ask before it is done again.";
