import { z } from 'zod';

/** What a schema says of what is inside of it: whatever may be left out, or has a default, is looked through. */
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

/** The schema of a member or an item. @returns undefined if it knows no such thing */
export function stepInto(schema: z.ZodType | undefined, key: PropertyKey): z.ZodType | undefined {
  const at = inner(schema);
  if (at instanceof z.ZodObject) return Object.hasOwn(at.shape, key) ? (at.shape[String(key)] as z.ZodType) : undefined;
  if (at instanceof z.ZodRecord) return at.valueType as z.ZodType;
  if (at instanceof z.ZodArray) return at.element as z.ZodType;
  return undefined;
}

/** The names of the members at a place. */
export function namesAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  const at = inner(path.reduce<z.ZodType | undefined>(stepInto, schema));
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The names of all members at any depth, as paths: `options.margin.top`. Those of the items of a list are left out. */
export function namesWithin(schema: z.ZodType): string[] {
  const at = inner(schema);
  if (!(at instanceof z.ZodObject)) return [];
  return Object.entries(at.shape).flatMap(([name, member]) => [
    name,
    ...namesWithin(member as z.ZodType).map((deeper) => `${name}.${deeper}`),
  ]);
}
