import { JOB_FIELDS } from '../../domain/job-filter.ts';
import { JOB_STATUSES } from '../../domain/job.ts';
import { ERROR_CODES } from '../../kernel/errors.ts';

const ID_START = /^[0-9a-f]{8}(?:-[0-9a-f-]{0,27})?$/i;
const VERSION = /^[a-z0-9][a-z0-9._-]*@[1-9]\d*$/;

/**
 * The fields of a filter that the text of the search field says, such as `order:A-17`, `status:failed tier:pro`, `poison`.
 * @returns undefined for a text that may be the beginning of an email, or what some job has in a field
 */
export function readSearchText(text: string): Record<string, string> | undefined {
  const pairs = wordsOf(text).map(readPair);
  if (pairs.length > 0 && pairs.every((pair) => pair !== undefined))
    return Object.fromEntries(pairs.map(([name, value]) => [fieldOf(name), value]));
  if (JOB_STATUSES.some((status) => status === text)) return { status: text };
  if (Object.hasOwn(ERROR_CODES, text)) return { error: text };
  if (VERSION.test(text)) return { template: text };
  if (ID_START.test(text)) return { id: text.toLowerCase() };
  return text.includes('@') ? { email: text } : undefined;
}

/** What is no field of a filter is a key of the metadata. */
const fieldOf = (name: string) =>
  Object.hasOwn(JOB_FIELDS, name) || name.startsWith('metadata.') ? name : `metadata.${name}`;

/** `name:value` or `name=value`, in two. @returns undefined for another text */
export function readPair(text: string): [name: string, value: string] | undefined {
  const at = text.search(/[:=]/);
  const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  return at > 0 && name !== '' && value !== '' ? [name, value] : undefined;
}

/** What is between spaces; in quotes a space is one of the word. */
function wordsOf(text: string): string[] {
  const words = [''];
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    else if (character === ' ' && !isQuoted) words.push('');
    else words.push(`${words.pop() ?? ''}${character}`);
  }
  return words.filter((word) => word !== '');
}
