/** A member of which nothing is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const isText = (value: unknown): value is string => typeof value === 'string';

/** @returns undefined if it is no object */
export const objectOf = (value: unknown): JsonObject | undefined => (isObject(value) ? value : undefined);
