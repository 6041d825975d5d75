import { validate as isUuid } from 'uuid';
import { invalidFields } from '../kernel/errors.ts';
import type { PathOrder, Place } from './access-paths.ts';

const ORDERS: readonly PathOrder[] = ['id', 'created', 'run', 'value', 'row'];

/** A place as a cursor: the id alone, or with what is before it in the order. */
export function placeText({ id, order, key }: Place): string {
  return key === null ? id : `${id}.${order}.${Buffer.from(key).toString('base64url')}`;
}

/** The place that a cursor says. @throws CodedError `invalid_request` for a text that is no cursor */
export function placeOf(cursor: string): Place {
  const place = readPlace(cursor);
  if (!place) throw invalidFields([{ field: 'cursor', message: 'allowed: the nextCursor of the page before' }]);
  return place;
}

function readPlace(text: string): Place | undefined {
  const [id = '', name, key] = text.split('.');
  const order = name === undefined ? 'id' : ORDERS.find((each) => each === name);
  if (!isUuid(id) || order === undefined || (order === 'id') !== (key === undefined)) return undefined;
  const place = { id, order, key: key === undefined ? null : Buffer.from(key, 'base64url').toString() };
  return isKeyOf(place) ? place : undefined;
}

/** What the database would not read as one is none. */
function isKeyOf({ order, key }: Place): boolean {
  if (order === 'id') return true;
  if (key === null || key.includes('\0') || !key.isWellFormed()) return false;
  if (order === 'row') return /^\d{1,9}$/.test(key);
  return order === 'value' || /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d)*$/.test(key);
}
