import { z } from "zod";

/** The bodies of the API: each schema is validator, type and documentation in one. Names are those of the JSON. */
export const components = z.registry<{ id: string; description?: string }>();

export function component<Schema extends z.ZodType>(id: string, schema: Schema, description: string): Schema {
  components.add(schema, { id, description });
  return schema;
}
