/** JSON of a caller. What is in it is not checked yet. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members that are set: typed clients send null for "not set". */
export function setMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined));
}

/** Called for a field of the caller that is refused. */
export type Refuse = (field: string, message: string) => void;
