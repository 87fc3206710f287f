/**
 * The effort with which a model of Gemini 3 or later thinks before it speaks. It has a file of its own, since the package's
 * declarations lead to it and must not name the SDK.
 */
export type ThinkingEffort = "minimal" | "low" | "medium" | "high";
