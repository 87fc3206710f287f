const ones = (
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen " +
  "nineteen"
).split(" ");
const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

const belowTen = ones.slice(1, 10).join("|");

/** A number in digits, or in words up to ninety-nine. */
export const numberPattern = new RegExp(
  `-?\\b\\d+(?:\\.\\d+)?\\b|\\b(?:(?:${tens.join("|")})(?:[ -](?:${belowTen}))?|${ones.toReversed().join("|")})\\b`,
  "i",
);

/** Returns the value of what {@link numberPattern} has found. */
export function numberOf(number: string): number {
  const [first = "", second] = number.toLowerCase().split(/[ -](?=[a-z])/);
  const ten = tens.indexOf(first);
  if (ten >= 0) return (ten + 2) * 10 + (second === undefined ? 0 : ones.indexOf(second));
  const one = ones.indexOf(first);
  return one >= 0 ? one : Number(number);
}

/** The words and signs of a sum, and what each does. */
const operations: readonly (readonly [word: RegExp, of: (a: number, b: number) => number])[] = [
  [/^(?:plus|\+)$/i, (a, b) => a + b],
  [/^(?:minus|-)$/i, (a, b) => a - b],
  [/^(?:times|multiplied by|x|×|\*)$/i, (a, b) => a * b],
  [/^(?:divided by|÷|\/)$/i, (a, b) => a / b],
];

/** Words that sound like a number, which is meant beside the sign of a sum. */
const soundsLike: Readonly<Record<string, number>> = { won: 1, to: 2, too: 2, for: 4, ate: 8 };
const operand = `(${numberPattern.source}|\\b(?:${Object.keys(soundsLike).join("|")})\\b)`;
const sum = new RegExp(
  `${operand}[\\s,]*(plus|minus|times|multiplied by|divided by|[-+*/x×÷])[\\s,]*${operand}`,
  "i",
);

/** Returns the result of a sum of two numbers as it is said; null where the text has none. */
export function sumIn(text: string): string | null {
  const [, one, sign, other] = sum.exec(text) ?? [];
  if (one === undefined || sign === undefined || other === undefined) return null;
  const [left, right] = [one, other].map((word) => soundsLike[word.toLowerCase()] ?? numberOf(word)) as [
    number,
    number,
  ];
  const result = operations.find(([word]) => word.test(sign))?.[1](left, right);
  if (result === undefined) return null;
  return Number.isFinite(result) ? `That is ${Number(result.toPrecision(6))}.` : "That cannot be divided.";
}
