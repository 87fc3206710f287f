import type { z } from "zod";
import type { session } from "../../../schemas.ts";

/** A session, as the server shows it. */
export type SessionView = z.output<typeof session>;
