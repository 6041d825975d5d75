import type { Fields } from '../fields.ts';
import { textEntries } from '../json-shapes.ts';
import { patternsOfRegex } from './url-patterns.ts';

const NAME = 'extraHttpHeaders';
const ALLOWED = 'a JSON object of header names and values such as {"X-Tenant": "a"}';
const MAX_SCOPE = 1_024;

/** Headers as ours has them, each for all URLs or for some. @returns undefined if absent or refused */
export function readExtraHeaders(
  fields: Fields,
): Record<string, string | { value: string; urls: string[] }> | undefined {
  const entries = fields.json(NAME, textEntries, ALLOWED);
  if (!entries || entries.length === 0) return undefined;
  return Object.fromEntries(
    entries.map(([name, text]) => {
      const { value, scope } = scoped(text);
      if (scope === undefined) return [name, value];
      const urls = scope.length > MAX_SCOPE ? undefined : patternsOfRegex(scope);
      if (!urls) fields.refuse(`${NAME}.${name}`, SCOPE_ALLOWED);
      return [name, { value, urls: urls ?? [] }];
    }),
  );
}

const SCOPE_ALLOWED =
  'allowed in its scope: an expression of plain characters, .*, ?, | and groups, such as ^https://(a|b)\\.example\\.com/.*';

/** A value such as `secret;scope=^https://example\.com/.*`. */
function scoped(text: string): { value: string; scope?: string } {
  const tokens = text.split(';');
  const scope = tokens.find((token) => token.trim().toLowerCase().startsWith('scope'));
  if (scope === undefined) return { value: text };
  const value = tokens.filter((token) => token !== scope).join(';');
  return {
    value: value.trim(),
    scope: scope
      .trim()
      .replace(/^scope\s*=?/i, '')
      .trim(),
  };
}
