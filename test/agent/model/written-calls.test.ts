import test from "ava";
import fc from "fast-check";
import { WrittenCalls } from "../../../src/agent/model/written-calls.ts";

const through = (pieces: readonly string[]) => {
  const calls = new WrittenCalls(["get_weather", "weather"]);
  const text = pieces.map((piece) => calls.push(piece)).join("");
  return { text: text + calls.end(), found: calls.found };
};

test("a call that is written as text is found, wherever the stream is cut", (t) => {
  const calls = [
    "print(default_api.end_conversation(reason='done'))",
    "default_api.get_weather(city='Oslo')",
    "```tool_code\nprint(default_api.get_weather(city='Oslo'))\n```",
    "get_weather(city='Oslo')",
    '{"name": "get_weather", "arguments": {}}',
    '{"name":"weather","arguments":{}}',
    '{\n  "name": "weather",\n  "arguments": {}\n}',
    '<|tool_call|>[{"name": "weather"}]',
    '<invoke name="weather">',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...calls), fc.array(fc.integer({ min: 1, max: 9 })), (call, sizes) => {
      const whole = `Sure, one moment. ${call} Done.`;
      const pieces: string[] = [];
      for (let at = 0, index = 0; at < whole.length; index++) {
        const size = sizes[index % Math.max(1, sizes.length)] ?? 4;
        pieces.push(whole.slice(at, at + size));
        at += size;
      }
      const { text, found } = through(pieces);
      return found && text === "Sure, one moment. ";
    }),
  );
  t.pass();
});

test("other words go through, whole", (t) => {
  const text =
    'The weather (today) is fine, and my_default_api.x is a name. Print it: {"a": 1} ```js\n1\n``` 👍';
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), (size) => {
      const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
      const result = through(pieces);
      return result.text === text && !result.found;
    }),
  );
  t.pass();
});
