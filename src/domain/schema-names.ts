import { z } from 'zod';

/** The schema inside of optional and nullable ones, of ones with a default, and of ones whose value is changed after. */
function inner(schema: z.ZodType | undefined): z.ZodType | undefined {
  let at = schema;
  for (;;)
    if (
      at instanceof z.ZodOptional ||
      at instanceof z.ZodNullable ||
      at instanceof z.ZodDefault ||
      at instanceof z.ZodPrefault
    )
      at = at.unwrap() as z.ZodType;
    else if (at instanceof z.ZodPipe) at = at.in as z.ZodType;
    else return at;
}

/** The schemas of which a value fits one. */
function choices(schema: z.ZodType | undefined): z.ZodType[] {
  const at = inner(schema);
  if (at instanceof z.ZodUnion) return (at.options as z.ZodType[]).flatMap(choices);
  return at ? [at] : [];
}

/** Whether a schema allows anything. */
export function allowsAnything(schema: z.ZodType | undefined): boolean {
  return inner(schema) instanceof z.ZodUnknown;
}

/** The schema of a member or an item. @returns undefined if it defines none */
export function stepInto(schema: z.ZodType | undefined, key: PropertyKey): z.ZodType | undefined {
  for (const at of choices(schema)) {
    if (at instanceof z.ZodObject && Object.hasOwn(at.shape, key)) return at.shape[String(key)] as z.ZodType;
    if (at instanceof z.ZodRecord) return at.valueType as z.ZodType;
    if (at instanceof z.ZodArray && typeof key === 'number') return at.element as z.ZodType;
  }
  return undefined;
}

/** The names of the members at a path. */
export function namesAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  const found = choices(path.reduce<z.ZodType | undefined>(stepInto, schema));
  return [...new Set(found.flatMap((at) => (at instanceof z.ZodObject ? Object.keys(at.shape) : [])))];
}

const known = new WeakMap<z.ZodType, readonly string[]>();

/** The paths of all members at any depth, such as `options.margin.top`; without those of items of a list. */
export function namesWithin(schema: z.ZodType): readonly string[] {
  const names = known.get(schema) ?? findNames(schema);
  known.set(schema, names);
  return names;
}

function findNames(schema: z.ZodType): string[] {
  const members = choices(schema).flatMap((at) => (at instanceof z.ZodObject ? Object.entries(at.shape) : []));
  return members.flatMap(([name, member]) => [
    name,
    ...namesWithin(member as z.ZodType).map((deeper) => `${name}.${deeper}`),
  ]);
}
