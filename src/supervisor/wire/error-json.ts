import type { PlainError } from "../../shared/errors.ts";

/** An error as clients read it: without its stack, which is for the log. */
export interface ErrorInfo {
  name: string;
  message: string;
  code?: string | undefined;
  cause?: ErrorInfo | undefined;
  errors?: ErrorInfo[] | undefined;
}

/** The readers of errors: the text of an error may hold what only the backend should read. */
export type ErrorView = "whole" | "code";

/** Returns an error without its stack, which is for the log. */
export function errorJson(error: PlainError, view: ErrorView): ErrorInfo {
  return view === "whole" ? wholeJson(error) : codeJson(error);
}

/** Returns whether a text is one word of letters, digits, `_`, `.` and `-`, and so no sentence. */
const isWord = (text: string | undefined): text is string =>
  text !== undefined && /^[A-Za-z][\w.-]{0,63}$/.test(text);

function codeJson({ name, code }: PlainError): ErrorInfo {
  const shownName = isWord(name) ? name : "Error";
  return { name: shownName, message: isWord(code) ? code : shownName, ...(isWord(code) ? { code } : {}) };
}

function wholeJson({ name, message, code, cause, errors }: PlainError): ErrorInfo {
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined ? {} : { cause: wholeJson(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(wholeJson) }),
  };
}
