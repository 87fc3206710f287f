import test from "ava";
import fc from "fast-check";
import { MappedText } from "../../../src/agent/speech-text/mapped-text.ts";
import { Agent, type AgentOptions, textTransforms } from "../../../src/index.ts";
import * as testing from "../../../src/testing/index.ts";
import { heardOf, piecesOf, spoken } from "./spoken.ts";

test("what a transform is for stays where it is left out", (t) => {
  const without = (left: unknown) => textTransforms.standard.filter((transform) => transform !== left);
  t.is(spoken("Fine 😀 **bold**", { transforms: without(textTransforms.emoji) }), "Fine 😀 bold");
  t.is(spoken("Fine **bold** 😀", { transforms: without(textTransforms.markdown) }), "Fine **bold**");
  t.is(spoken("So it is [1].", { transforms: without(textTransforms.citations) }), "So it is 1.");
  t.is(spoken("See https://a.example/b", { transforms: without(textTransforms.links) }), "See a.example/b");
  t.is(spoken("<b>Hi</b> there", { transforms: without(textTransforms.markup) }), "Hi there");
  t.is(spoken("It is `x` here", { transforms: [] }), "It is `x` here");
});

test("a function of the user's own gets each sentence as it would be spoken", (t) => {
  const got: string[] = [];
  const note = (sentence: string) => {
    got.push(sentence);
    return sentence.replaceAll("GmbH", "Gesellschaft");
  };
  const said = spoken("**Die Muster GmbH** hilft [gern](https://x.example). Und die 🎉 Probe GmbH auch.", {
    transforms: [...textTransforms.standard, note],
  });
  t.deepEqual(got, ["Die Muster GmbH hilft gern.", "Und die Probe GmbH auch."]);
  t.is(said, "Die Muster Gesellschaft hilft gern. Und die Probe Gesellschaft auch.");
});

test("one may return nothing, and has to return a text", (t) => {
  t.is(spoken("One. And there are two.", { transforms: [() => ""] }), "");
  t.throws(() => spoken("One.", { transforms: [() => undefined as unknown as string] }), {
    message: "A text transform has to return a string, and returned undefined",
  });
});

test("text between two marks of the user's own is whole, wherever the stream was cut", (t) => {
  const transforms = [
    ...textTransforms.standard,
    { start: "<<", end: ">>", replace: (content: string) => `the ${content.toLowerCase()} desk` },
    { start: "{{", end: "}}" },
  ];
  const text = "Ask <<HELP. Really? Yes>> now. {{hidden. Really.}} It is open.";
  for (let cut = 0; cut <= text.length; cut++) {
    const said = piecesOf([text.slice(0, cut), text.slice(cut)], { transforms }).map((piece) => piece.text);
    t.is(said.filter(Boolean).join(" "), "Ask the help. really? yes desk now. It is open.");
  }
});

test("words are said as the list of pronunciations has them", (t) => {
  const pronunciations = { Nginx: "engine x", US: "U S", "C++": "C plus plus", 東京: "とうきょう" };
  const say = (text: string) => spoken(text, { pronunciations });
  t.is(say("Use nginx, NGINX or Nginx."), "Use engine x, engine x or engine x.");
  t.is(say("Let us go to the US, with Nginxes."), "Let us go to the U S, with Nginxes.");
  t.is(say("I like C++ and 東京都."), "I like C plus plus and とうきょう都.");
  t.is(say("It is **Nginx**'s fault."), "It is engine x's fault.");
});

const v3 = { markup: { directions: true } };
const ssml = { markup: { tags: ["break", "phoneme"] } };

test("markup that the voice performs reaches it as it is written, and no other voice", (t) => {
  const tagged = "[laughs] Oh, that is funny! [whispers] Do not tell, [curious] please.";
  t.is(spoken(tagged, v3), tagged);
  t.is(spoken(tagged), "Oh, that is funny! Do not tell, please.");
  const pause = 'Wait <break time="0.4s" /> a moment.';
  t.is(spoken(pause, ssml), pause);
  t.is(spoken(pause, v3), "Wait a moment.");
  t.is(spoken(pause), "Wait a moment.");
  const phoneme = 'Say <phoneme alphabet="ipa" ph="ˈæpl. x">apple</phoneme> now.';
  t.is(spoken(phoneme, ssml), phoneme);
  t.is(spoken(phoneme), "Say apple now.");
});

test("what merely stands in brackets is no markup", (t) => {
  const text = "See [the docs](https://x.example), [section two] and [1].";
  t.is(spoken(text), "See the docs, section two and.");
  t.is(spoken("See [the docs](https://x.example) now.", v3), "See the docs now.");
  t.is(spoken("Press [1] for sales or [2] for help.".replace(" or [2] for help", "")), "Press 1 for sales.");
});

test("markup that a transform or a pronunciation adds reaches the voice", (t) => {
  const transforms = [...textTransforms.standard, (text: string) => `[cheerfully] ${text}`];
  t.is(spoken("Hello there.", { ...v3, transforms }), "[cheerfully] Hello there.");
  t.is(spoken("Hello there.", { transforms }), "Hello there.");
  const pronunciations = { tomato: '<phoneme alphabet="ipa" ph="x">tomato</phoneme>' };
  t.is(
    spoken("A tomato.", { ...ssml, pronunciations }),
    'A <phoneme alphabet="ipa" ph="x">tomato</phoneme>.',
  );
  t.is(spoken("A tomato.", { pronunciations }), "A tomato.");
});

test("what was heard of a sentence is told in the words of the model, whatever became of it", (t) => {
  const source = "**Nginx** costs $5.50 at shop@example.com. It is 20 °C.";
  const pieces = piecesOf([source], {
    transforms: [
      ...textTransforms.standard,
      textTransforms.money(),
      textTransforms.emailAddresses(),
      textTransforms.units(),
      (text) => text.replace("costs", "is sold for"),
    ],
    pronunciations: { Nginx: "engine x" },
  });
  const text = pieces.map((piece) => piece.text).join(" ");
  t.is(
    text,
    "engine x is sold for 5 dollars and 50 cents at shop at example dot com. It is 20 degrees Celsius.",
  );
  const heard = (said: string) => heardOf(pieces, text.indexOf(said) + said.length);
  t.is(heard("engine"), "");
  t.is(heard("engine x"), "**Nginx");
  t.is(heard("is sold"), "**Nginx** ");
  t.is(heard("is sold for"), "**Nginx** costs");
  t.is(heard("5 dollars"), "**Nginx** costs ");
  t.is(heard("50 cents"), "**Nginx** costs $5.50");
  t.is(heard("example dot com"), "**Nginx** costs $5.50 at shop@example.com");
  t.is(heard("degrees Celsius"), "**Nginx** costs $5.50 at shop@example.com. It is 20 °C");
});

test("a changed text keeps the places of the words that it has in common with the one before", (t) => {
  const words = fc.array(fc.constantFrom("a", "bb", "ccc", ".", "é", "😀", "日本"), { maxLength: 12 });
  fc.assert(
    fc.property(words, words, (before, after) => {
      const source = before.join(" ");
      const mapped = new MappedText(source).become(after.join(" "));
      t.is(mapped.text, after.join(" "));
      t.is(mapped.ends.length, mapped.text.length);
      let last = 0;
      for (const end of mapped.ends) {
        t.true(end >= last && end <= source.length);
        last = end;
      }
    }),
  );
  // Nothing that both have is lost.
  const mapped = new MappedText("one two three four").become("one 2 three 4 four");
  t.is(mapped.ends[mapped.text.indexOf("three") + 4], "one two three".length);
  t.is(mapped.ends.at(-1), "one two three four".length);
});

async function conversation(options: Partial<AgentOptions>, replies: readonly string[]) {
  const edge = new testing.Edge({ speed: 100 });
  const llm = new testing.LLM({ replies: [...replies, "Fine."] });
  const tts = new testing.TTS({ characterMs: 1 });
  const agent = new Agent({
    edge,
    llm,
    tts,
    agentUser: { id: "agent", name: "Agent" },
    instructions: "Be brief.",
    ...options,
  });
  await agent.join(await agent.createCall("default", "call-1"), { participantWaitTimeoutMs: null });
  return { agent, llm, tts };
}

test("an agent says what its transforms make of the text, and remembers what the model wrote", async (t) => {
  const reply = "**Nginx** costs $5 <think>or so</think>. Ask [us](https://x.example) [1].";
  const { agent, llm, tts } = await conversation(
    {
      ttsTextTransforms: [...textTransforms.standard, textTransforms.money()],
      pronunciations: { Nginx: "engine x" },
    },
    [reply],
  );
  t.teardown(() => agent.close());
  await agent.simpleResponse("Go on.");
  await agent.simpleResponse("And now?");
  t.deepEqual(
    tts.spoken.slice(0, 2).map(({ text }) => text),
    ["engine x costs 5 dollars.", "Ask us."],
  );
  const kept = llm.requests.at(-1)?.messages.find(({ role }) => role === "agent");
  t.is(kept?.role === "agent" ? kept.text : "", reply);
});

test("a transform that throws fails the turn, and not the agent", async (t) => {
  const { agent, tts } = await conversation(
    {
      apology: null,
      ttsTextTransforms: [
        (text) => {
          if (text.includes("bad")) throw new Error("no such word");
          return text;
        },
      ],
    },
    ["This is bad. Really."],
  );
  t.teardown(() => agent.close());
  t.is(await agent.simpleResponse("Go on."), "failed");
  t.is(await agent.simpleResponse("And now?"), "done");
  t.deepEqual(
    tts.spoken.map(({ text }) => text),
    ["Fine."],
  );
});

test("options that cannot be are refused by name", (t) => {
  const make = (options: object) =>
    new Agent({
      edge: new testing.Edge(),
      llm: new testing.LLM(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      ...options,
    });
  t.throws(() => make({ ttsTextTransforms: ["markdown"] }), {
    message: /^new Agent: ttsTextTransforms must be a list/,
  });
  t.throws(() => make({ ttsTextTransforms: [{ start: "", end: "x" }] }), { instanceOf: TypeError });
  t.throws(() => make({ pronunciations: { a: 5 } }), {
    message: /^new Agent: pronunciations must be an object/,
  });
  t.throws(() => make({ textTransforms: [] }), { message: /there is no option textTransforms/ });
});
