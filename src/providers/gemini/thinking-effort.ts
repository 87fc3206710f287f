/** The effort with which a model of Gemini 3 or later thinks before it speaks. */
export type ThinkingEffort = "minimal" | "low" | "medium" | "high";
