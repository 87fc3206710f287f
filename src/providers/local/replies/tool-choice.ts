import type { FunctionDeclaration } from "../../../agent/tools/functions.ts";
import { argumentsIn, type FoundArguments } from "./tool-arguments.ts";

export interface ChosenTool extends FoundArguments {
  readonly name: string;
}

/** Words that say nothing of what a question is about. */
const commonWords = new Set(
  (
    "a about all also am an and any are as ask at be been but by call can caller check could current currently do does find for from " +
    "get give given has have help her him his how i if in information is it its just know let like list look lookup make may me my name need " +
    "no now number of off on one or our out please return returns right say set shall she should show so some tell than that the their " +
    "them then there these they this those to up us use user using want was we what whats when where which who will with would yes you your"
  ).split(" "),
);

/** The weight of a word, by the place where it is found. */
const worth = { name: 2, description: 1 };
/** The least sum for which a tool is called: a word of its name, or two of its description. */
const leastWorth = 2;

/** Returns the tool that a question asks for, by the words that it shares with the tool's name and description; null where none fits. */
export function chooseTool(text: string, functions: readonly FunctionDeclaration[]): ChosenTool | null {
  const asked = contentWords(text);
  let best: FunctionDeclaration | null = null;
  let most = leastWorth - 1;
  for (const one of functions) {
    const sum = worthOf(asked, one);
    if (sum > most) [best, most] = [one, sum];
  }
  if (best === null) return null;
  const own = contentWords(`${nameInWords(best.name)} ${best.description}`);
  const isOfTool = (word: string) => contentWords(word).isSubsetOf(own);
  return { name: best.name, ...argumentsIn(text, best.parameters, isOfTool) };
}

function worthOf(asked: ReadonlySet<string>, { name, description }: FunctionDeclaration): number {
  const [ofName, ofDescription] = [contentWords(nameInWords(name)), contentWords(description)];
  let sum = 0;
  for (const word of asked) {
    if (ofName.has(word)) sum += worth.name;
    else if (ofDescription.has(word)) sum += worth.description;
  }
  return sum;
}

/** Returns a name in words: `getOrderStatus` and `get_order_status` are "get order status". */
export const nameInWords = (name: string): string =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/[_.-]+/g, " ")
    .trim()
    .toLowerCase();

function contentWords(text: string): Set<string> {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  return new Set(words.filter((word) => word.length > 1 && !commonWords.has(word)).map(stem));
}

/** Returns the part of a word that its forms have in common. */
function stem(word: string): string {
  return word.replace(/ies$/, "y").replace(/(?<=.{3})(?:ings?|ed|es|s)$/, "");
}
