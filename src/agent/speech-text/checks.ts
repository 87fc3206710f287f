import { type Check, isObject } from "../options/option-checks.ts";

const isTransform = (value: unknown): boolean => {
  if (typeof value === "function") return true;
  if (!isObject(value)) return false;
  const { start, end, replace, name, spans, sentence } = value as Record<string, unknown>;
  const absentOr = (field: unknown) => field === undefined || typeof field === "function";
  if (start !== undefined || end !== undefined) {
    return (
      typeof start === "string" && start !== "" && typeof end === "string" && end !== "" && absentOr(replace)
    );
  }
  return typeof name === "string" && absentOr(spans) && absentOr(sentence);
};

export const textTransformsCheck: Check = {
  fits: (value) => Array.isArray(value) && value.every(isTransform),
  expected:
    "a list of transforms: of textTransforms, functions of a sentence, or objects of start, end and replace",
};

export const pronunciationsCheck: Check = {
  fits: (value) =>
    isObject(value) &&
    Object.entries(value).every(([word, said]) => word.trim() !== "" && typeof said === "string"),
  expected: "an object of words and how they are said",
};
