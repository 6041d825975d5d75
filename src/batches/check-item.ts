import { type ItemRequest, ITEM_SOURCES, itemSchema, type ItemSource } from '../domain/batch-request.ts';
import { bodyProblem, parseFields, withoutNulls } from '../domain/check-input.ts';
import type { FieldProblem } from '../kernel/errors.ts';
import type { SentRow } from './sent-row.ts';

type Checked =
  { ok: true; item: ItemRequest; source: ItemSource | undefined } | { ok: false; problems: FieldProblem[] };

/** What the request of a batch says of its items' sources. */
export interface Expected {
  /** the request itself has one */
  hasSource: boolean;
  /** and that is a template */
  isTemplate: boolean;
  /** the request has files, one of which may be the document */
  hasFiles: boolean;
}

/** Problems of one row that are listed, at most. */
const MAX_PROBLEMS = 20;

/** Whether a row is an item, apart from what the schema of its template says. Fields are those of the item. */
export function checkItem({ item, problem }: SentRow, expected: Expected): Checked {
  const found = problem ?? bodyProblem(item);
  if (found) return { ok: false, problems: [found] };
  const parsed = isPlain(item) ? { ok: true as const, data: item } : parseFields(itemSchema, withoutNulls(itemSchema, item)); // prettier-ignore
  if (!parsed.ok) return { ok: false, problems: problemsOf(item, parsed.fields, expected) };
  const { data: read } = parsed;
  const sources = ITEM_SOURCES.filter((name) => read[name] !== undefined);
  const [source, another] = sources;
  const refuse = (field: string, message: string): Checked => ({ ok: false, problems: [{ field, message }] });
  if (source && expected.hasSource) return refuse(source, 'allowed if request has no source itself');
  if (another) return refuse(another, `allowed: exactly one of ${ITEM_SOURCES.join(', ')}`);
  if (!source && !expected.hasSource && !expected.hasFiles)
    return refuse('', `required: ${ITEM_SOURCES.join(', ')}, as request has no source`);
  const { data } = read;
  if (data !== undefined && !expected.isTemplate) return refuse('data', 'allowed with a template only');
  if (data !== undefined && (typeof data !== 'object' || data === null || Array.isArray(data)))
    return refuse('data', 'must be an object');
  return { ok: true, item: read, source };
}

/** Most items have data and nothing else: the schema would say the same of them, and takes longer. */
function isPlain(item: unknown): item is ItemRequest {
  if (typeof item !== 'object' || item === null) return false;
  const names = Object.keys(item);
  return names.length === 1 && names[0] === 'data';
}

/** Of an item that is not valid. If `data` is forgotten around its fields, that says more than the schema would. */
function problemsOf(item: unknown, fields: readonly FieldProblem[], { isTemplate }: Expected): FieldProblem[] {
  // Of text each character would be a name.
  const names = typeof item === 'object' && item !== null && !Array.isArray(item) ? Object.keys(item) : [];
  const unknown = names.find((name) => !Object.hasOwn(itemSchema.shape, name));
  const [{ field } = { field: '' }] = fields;
  if (isTemplate && unknown !== undefined && !names.includes('data'))
    return [{ field, message: `unknown field; what the template prints is within data: {"data": {…}}` }];
  return fields.slice(0, MAX_PROBLEMS);
}
