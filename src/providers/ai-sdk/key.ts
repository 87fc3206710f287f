import { asFailure } from "./errors.ts";
import { type AiSdkModel, vendorOf } from "./models.ts";

/** The errors of the AI SDK for a key or a setting that is missing. */
const missing = /^AI_Load(APIKey|Setting)Error$/;

/**
 * Rejects where the package of a model says that its key, or a setting such as its address, is missing. The models of the vendors' packages
 * make the headers of their requests, key included, by a function that they keep in `config`; of others it is known at their first answer.
 */
export async function checkKey(model: AiSdkModel): Promise<void> {
  const { config } = model as { readonly config?: { readonly headers?: unknown } };
  if (typeof config?.headers !== "function") return;
  try {
    await config.headers();
  } catch (error) {
    if (error instanceof Error && missing.test(error.name)) throw asFailure(error, vendorOf(model));
  }
}
