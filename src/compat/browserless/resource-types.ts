import { REJECTED_TYPES, type RejectedType } from '../../domain/page-fields.ts';
import type { JsonObject, Refuse } from './json-object.ts';

const TYPES = Object.keys(REJECTED_TYPES) as RejectedType[];

/** Those of which Chromium knows no difference, such as `xhr` and `fetch`, are rejected together. */
const isOneWith = (type: RejectedType, other: RejectedType) =>
  REJECTED_TYPES[type].some((name) => (REJECTED_TYPES[other] as readonly string[]).includes(name));

/** The types that a document may load, as those that it may not. */
export function translateResourceTypes(
  { allowResourceTypes: allowed, rejectResourceTypes: rejected }: JsonObject,
  refuse: Refuse,
): JsonObject {
  if (allowed === undefined) return rejected === undefined ? {} : { rejectResourceTypes: rejected };
  if (!Array.isArray(allowed) || rejected !== undefined) {
    refuse('allowResourceTypes', 'allowed: a list of resource types, without rejectResourceTypes');
    return {};
  }
  const others = TYPES.filter((type) => !TYPES.some((each) => allowed.includes(each) && isOneWith(type, each)));
  return { rejectResourceTypes: others };
}
