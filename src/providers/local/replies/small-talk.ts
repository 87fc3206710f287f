/** The facts that a reply may need. */
export interface TalkContext {
  /** The name of each tool, in words. */
  readonly tools: readonly string[];
  /** The agent's last words; null where it has said nothing. */
  readonly saidBefore: string | null;
}

interface Row {
  readonly asks: RegExp;
  readonly reply: (match: RegExpExecArray, context: TalkContext) => string;
}

export const greeting =
  "Hello! I am the built-in agent of Greenroom, with rules in place of a language model. " +
  'Ask me "What is the weather in Paris and Rome?" or "What time is it?"';

const always =
  (text: string): Row["reply"] =>
  () =>
    text;

/** Returns a word letter by letter, with pauses, as a voice spells it. */
const spelt = (word: string): string => [...word.toUpperCase()].join(", ");

/** Questions that newcomers ask, with their answers. The first row that fits counts. */
const rows: readonly Row[] = [
  {
    asks: /^\W*(?:(?:ok(?:ay)?|please|now)\W+)*(?:stop|quiet|be quiet|shut up|hush|enough|never ?mind|cancel)\b[^?]{0,24}$/i,
    reply: always("Okay."),
  },
  {
    asks: /\bspell\b.*\b(?:your|its) name\b|\bhow (?:do|is|would) (?:you|your name) (?:spell it|spelled|spelt)\b|\bspell (?:it|that|greenroom)\b/i,
    reply: always(`My name is Greenroom: ${spelt("Greenroom")}.`),
  },
  {
    asks: /\bspell (?:the word |out )?["“]?([a-z]{2,20})\b/i,
    reply: ([, word = ""]) => `${word}: ${spelt(word)}.`,
  },
  {
    asks: /\b(?:my name is|call me)\s+["“]?(\p{L}[\p{L}'’-]{0,30})/iu,
    reply: ([, name = ""]) => `Nice to meet you, ${name}.`,
  },
  {
    asks: /\b(?:who|what) are you\b|\bwhat(?:'s| is) your name\b|\byour name\?/i,
    reply: always("I am Greenroom, the built-in agent: a few rules in place of a language model."),
  },
  {
    asks: /\b(?:help|what (?:else )?can (?:you|i)|what do you know|your commands)\b/i,
    reply: (_, { tools }) =>
      "You can ask me for the weather somewhere, or for the time. I can tell you something interesting, and spell my name. " +
      `Say "stop", and I am quiet.${tools.length > 0 ? ` I can also do this: ${tools.join(", ")}.` : ""}`,
  },
  {
    asks: /\b(?:repeat|say) (?:that|it|this)(?: again)?\b|\bsay again\b|\bpardon\b|\bwhat did you say\b/i,
    reply: (_, { saidBefore }) =>
      saidBefore === null ? "I have said nothing yet." : `I said: ${saidBefore}`,
  },
  { asks: /\bcan you hear me\b|\bare you (?:there|listening)\b/i, reply: always("Yes, I can hear you.") },
  {
    asks: /\bhow are you\b|\bhow(?:'s| is) it going\b/i,
    reply: always("I am fine, thank you. How can I help?"),
  },
  {
    asks: /\bjoke\b|\bfunny\b/i,
    reply: always("Why did the thread cross the pool? It had a warm slot on the other side."),
  },
  {
    asks: /\b(?:what day|what date|which day|what(?:'s| is) (?:the|today's) (?:date|day))\b/i,
    reply: () =>
      `Today is ${new Date().toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" })}.`,
  },
  {
    asks: /\b(?:interesting|fact|story)\b/i,
    reply: always("Here is something interesting: a day on Venus is longer than its year."),
  },
  { asks: /\bweather\b/i, reply: always('Tell me where, for example: "What is the weather in Lisbon?"') },
  { asks: /\b(?:bye|goodbye|see you|good night)\b/i, reply: always("Goodbye!") },
  { asks: /\b(?:thanks|thank you)\b/i, reply: always("You are welcome!") },
  {
    asks: /\b(?:hi|hello|hey|greet|welcome|introduce|good (?:morning|afternoon|evening))\b/i,
    reply: always(greeting),
  },
  {
    asks: /^\W*(?:yes|yeah|yep|sure|ok(?:ay)?)\b.{0,12}$/i,
    reply: always("Good. What would you like to know?"),
  },
  { asks: /^\W*(?:no|nope|nothing)\b.{0,16}$/i, reply: always("All right.") },
];

/** Returns what is said to this; null where no rule fits. */
export function smallTalk(text: string, context: TalkContext): string | null {
  for (const { asks, reply } of rows) {
    const match = asks.exec(text);
    if (match !== null) return reply(match, context);
  }
  return null;
}
