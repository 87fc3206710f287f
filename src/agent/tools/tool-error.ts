const marker = Symbol.for("greenroom.tool_error");

/**
 * An error that a function throws to tell the model, and so perhaps the caller, why it could not do its work: `throw
 * new ToolError("There is no order with this number.")`. Of any other error the model learns only that the function
 * failed.
 */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly code = "TOOL";
  static {
    Object.defineProperty(ToolError.prototype, marker, { value: true });
  }

  /**
   * Returns whether an error is one. It is known by a marker, not by `instanceof`: it holds across copies of the
   * package.
   */
  static is(error: unknown): error is ToolError {
    return typeof error === "object" && error !== null && marker in error;
  }
}
