import { z } from 'zod';

/** The schema inside of optional and nullable ones, and of ones with a default. */
function inner(schema: z.ZodType | undefined): z.ZodType | undefined {
  let at = schema;
  while (
    at instanceof z.ZodOptional ||
    at instanceof z.ZodNullable ||
    at instanceof z.ZodDefault ||
    at instanceof z.ZodPrefault
  )
    at = at.unwrap() as z.ZodType;
  return at;
}

/** Whether a schema allows anything. */
export function allowsAnything(schema: z.ZodType | undefined): boolean {
  return inner(schema) instanceof z.ZodUnknown;
}

/** The schema of a member or an item. @returns undefined if it defines none */
export function stepInto(schema: z.ZodType | undefined, key: PropertyKey): z.ZodType | undefined {
  const at = inner(schema);
  if (at instanceof z.ZodObject) return Object.hasOwn(at.shape, key) ? (at.shape[String(key)] as z.ZodType) : undefined;
  if (at instanceof z.ZodRecord) return at.valueType as z.ZodType;
  if (at instanceof z.ZodArray) return at.element as z.ZodType;
  return undefined;
}

/** The names of the members at a path. */
export function namesAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  const at = inner(path.reduce<z.ZodType | undefined>(stepInto, schema));
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The paths of all members at any depth, such as `options.margin.top`; without those of items of a list. */
export function namesWithin(schema: z.ZodType): string[] {
  const at = inner(schema);
  if (!(at instanceof z.ZodObject)) return [];
  return Object.entries(at.shape).flatMap(([name, member]) => [
    name,
    ...namesWithin(member as z.ZodType).map((deeper) => `${name}.${deeper}`),
  ]);
}
