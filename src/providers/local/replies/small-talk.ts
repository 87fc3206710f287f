import { sumIn } from "./numbers.ts";

/** The facts that a reply may need. */
export interface TalkContext {
  /** The name of each tool, in words. */
  readonly tools: readonly string[];
  /** True where it can be asked for the weather or the time. */
  readonly knowsPlaces: boolean;
  /** The agent's last words; null where it has said nothing. */
  readonly saidBefore: string | null;
  /** The words of participants, the latest last. */
  readonly asked: readonly string[];
}

interface Row {
  readonly asks: RegExp;
  /** Returns null where the question was another one after all. */
  readonly reply: (match: RegExpExecArray, context: TalkContext) => string | null;
}

/** Returns the words with which a call begins: with what may be asked there. */
export function greeting({ tools, knowsPlaces }: Pick<TalkContext, "tools" | "knowsPlaces">): string {
  if (knowsPlaces) return builtInGreeting;
  const can = tools.length > 0 ? ` I can do this: ${tools.join(", ")}.` : "";
  return `Hello. I am an agent of Greenroom, with rules in place of a language model.${can}`;
}

const builtInGreeting =
  // The first sentence is short, so that its sound is soon made.
  "Hello, this is Greenroom. I am its built-in agent, with rules in place of a language model. " +
  'Ask me "What is the weather in Paris and Rome?" or "What time is it?"';

/** Asks for the place whose weather is wanted. */
export const askWhere = 'Tell me where, for example: "What is the weather in Lisbon?"';

const always =
  (text: string): Row["reply"] =>
  () =>
    text;

/** Says another one of these each time. */
const inTurn =
  (texts: readonly string[]): Row["reply"] =>
  (_, { asked }) =>
    texts[asked.length % texts.length]!;

/** Returns a word letter by letter, with pauses, as a voice spells it. */
const spelt = (word: string): string => [...word.toUpperCase()].join(", ");

const naming = /\b(?:my name(?: is|'s)|call me|i am called)\s+["“]?(\p{L}[\p{L}'’-]{0,30})/iu;

/** Questions that newcomers ask, with their answers. The first row that fits counts. */
const rows: readonly Row[] = [
  {
    asks: /^\W*(?:(?:ok(?:ay)?|please|now)\W+)*(?:stop|quiet|be quiet|shut up|hush|enough|that's enough|never ?mind|cancel)\b[^?]{0,24}$/i,
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
    asks: /\b(?:what(?:'s| is)|do you know|tell me|who am i\b.*) my name\b|\bwho am i\b/i,
    reply: (_, { asked }) => {
      const name = asked.findLast((text) => naming.test(text));
      return name === undefined
        ? "I do not know your name yet. Tell me, for example: my name is Ada."
        : `Your name is ${naming.exec(name)![1]}.`;
    },
  },
  { asks: naming, reply: ([, name = ""]) => `Nice to meet you, ${name}.` },
  { asks: /\bnice to meet you\b|\bpleased to meet\b/i, reply: always("Nice to meet you too.") },
  {
    asks: /\b(?:robot|human|real person|machine|a bot|artificial|an? a\.?i\.?|chat ?gpt)\b/i,
    reply: always("I am a program: a few rules in place of a language model."),
  },
  {
    asks: /\bwho (?:made|built|created|wrote) you\b|\bwhere (?:are you|do you come) from\b|\bwhat is greenroom\b/i,
    reply: always("I come with Greenroom, an agent server for Node."),
  },
  {
    asks: /\b(?:who|what) are you\b|\bwhat(?:'s| is) your name\b|\byour name\?|\babout yourself\b/i,
    reply: always("I am Greenroom, the built-in agent: a few rules in place of a language model."),
  },
  { asks: /\bwhere are you\b/i, reply: always("I am on the server that you have called.") },
  {
    asks: /\bhow old are you\b|\byour age\b/i,
    reply: always("I was started when you called, so I am very young."),
  },
  {
    asks: /\b(?:speak|understand|talk)\b.*\b(?:english|german|french|spanish|italian|language)\b|\b(?:which|what) languages?\b/i,
    reply: always("Without a key I understand and speak English."),
  },
  {
    asks: /\b(?:help|what (?:else )?can (?:you|i)|what do you (?:know|do)|your commands)\b/i,
    reply: (_, { tools, knowsPlaces }) =>
      `${knowsPlaces ? "You can ask me for the weather somewhere, or for the time. " : ""}` +
      "I can tell a joke or something interesting, do sums, and spell my name. " +
      `Say "stop", and I am quiet.${tools.length > 0 ? ` I can also do this: ${tools.join(", ")}.` : ""}`,
  },
  {
    asks: /\b(?:repeat|say) (?:that|it|this)(?: again)?\b|\b(?:say|come) again\b|\bthat again\b|\bpardon\b|\bwhat did you say\b|^\W*(?:sorry|what|huh|excuse me)\W*$/i,
    reply: (_, { saidBefore }) =>
      saidBefore === null ? "I have said nothing yet." : `I said: ${saidBefore}`,
  },
  {
    asks: /\bcan you hear me\b|\bare you (?:still )?(?:there|listening)\b|\b(?:sound|mic|microphone) (?:check|test)\b|^\W*test(?:ing)?\b.{0,20}$/i,
    reply: always("Yes, I can hear you."),
  },
  {
    asks: /\bhow are you\b|\bhow(?:'s| is) it going\b|\bwhat(?:'s| is) up\b|\bhow do you (?:do|feel)\b/i,
    reply: always("I am fine, thank you. How can I help?"),
  },
  {
    asks: /\bjokes?\b|\bmake me laugh\b|\bsomething funny\b/i,
    reply: inTurn([
      "Why did the thread cross the pool? It had a warm slot on the other side.",
      "There are two hard things about calls: who hangs up first, and off-by-one errors.",
      "I would tell you a joke about UDP, but you might not get it.",
    ]),
  },
  {
    asks: /\bsing\b|\ba song\b|\bplay (?:some )?music\b/i,
    reply: always("I cannot sing, but I can tell you a joke."),
  },
  {
    asks: /\b(?:what day|what date|which day|what(?:'s| is) (?:the|today's) (?:date|day)|today's date)\b/i,
    reply: () =>
      `Today is ${new Date().toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" })}.`,
  },
  {
    asks: /\b(?:interesting|facts?|story|surprise me)\b/i,
    reply: inTurn([
      "Here is something interesting: a day on Venus is longer than its year.",
      "Here is something interesting: honey that is thousands of years old can still be eaten.",
      "Here is something interesting: an octopus has three hearts.",
    ]),
  },
  {
    asks: /\b(?:plus|minus|times|multiplied by|divided by)\b|\d\s*[-+*/x×÷]\s*\d/i,
    reply: ({ input }) => sumIn(input),
  },
  {
    asks: /\bcount\b.*\b(?:to|from)\b/i,
    reply: always("One, two, three, four, five, six, seven, eight, nine, ten."),
  },
  { asks: /\bfavou?rite colou?r\b/i, reply: always("Green, like my name.") },
  { asks: /\bweather\b/i, reply: always(askWhere) },
  { asks: /\b(?:bye|goodbye|good bye|see you|good night|talk to you later)\b/i, reply: always("Goodbye!") },
  { asks: /^\W*(?:no|nope|nothing)\b.{0,16}$/i, reply: always("All right.") },
  { asks: /\b(?:thanks|thank you|thank's)\b/i, reply: always("You are welcome!") },
  {
    asks: /\b(?:wrong|not right|not true|incorrect|not what i (?:said|meant|asked))\b/i,
    reply: always("I am sorry. Please ask me again, in other words."),
  },
  {
    asks: /\b(?:hi|hello|hey|greet|welcome|introduce|good (?:morning|afternoon|evening))\b/i,
    reply: (_, context) => greeting(context),
  },
  {
    asks: /\bi (?:love|like) (?:you|it|that|this)\b|\b(?:you are|you're|that's|that is|very|so)\b.{0,12}\b(?:nice|great|good|cool|funny|amazing|awesome|smart|clever|kind)\b|\b(?:well done|good job|great job)\b|^\W*(?:cool|nice|great|wow|awesome|perfect)\W*$/i,
    reply: always("Thank you!"),
  },
  { asks: /^\W*why\b/i, reply: always("I only know a few rules, so I cannot say why.") },
  {
    asks: /^\W*i(?:'m| am) (?:fine|good|well|great|ok(?:ay)?)\b/i,
    reply: always("I am glad to hear that. How can I help?"),
  },
  {
    asks: /^\W*(?:yes|yeah|yep|sure|ok(?:ay)?)\b.{0,12}$/i,
    reply: always("Good. What would you like to know?"),
  },
];

/** Returns what is said to this; null where no rule fits. */
export function smallTalk(text: string, context: TalkContext): string | null {
  for (const { asks, reply } of rows) {
    const match = asks.exec(text);
    const said = match === null ? null : reply(match, context);
    if (said !== null) return said;
  }
  return null;
}
