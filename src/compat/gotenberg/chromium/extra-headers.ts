import { REQUEST_BOUNDS } from '../../../domain/print-fields.ts';
import type { Fields } from '../fields.ts';
import { textEntries } from '../json-shapes.ts';
import { type HeaderScope, headerScopeOf } from './header-scope.ts';

const NAME = 'extraHttpHeaders';
const ALLOWED = 'a JSON object of header names and values such as {"X-Tenant": "a"}';
const MAX_HEADERS = REQUEST_BOUNDS.extraHeaders;
const MAX_SCOPE = 1_024;
const SCOPE = /^\s*scope\s*(?:=|$)/i;
const SCOPE_ALLOWED =
  'allowed in its scope: an expression of plain characters, .*, ?, | and groups, or of a host with its subdomains, such as https?://([a-zA-Z0-9-]+\\.)*example\\.com/.*';

/** A value for all URLs, or for some. */
type Header = string | ({ value: string } & HeaderScope);

/** Headers as ours has them. @returns undefined if the field is absent or was refused */
export function readExtraHeaders(fields: Fields): Record<string, Header> | undefined {
  const entries = fields.json(NAME, textEntries, ALLOWED);
  if (!entries || entries.length === 0) return undefined;
  if (entries.length > MAX_HEADERS) {
    fields.refuse(NAME, `allowed: at most ${MAX_HEADERS} headers`);
    return undefined;
  }
  const headers = entries.map(([name, text]): [string, Header] => {
    const { value, scope } = scoped(text);
    if (scope === undefined) return [name, value];
    const urls = scope.length > MAX_SCOPE ? undefined : headerScopeOf(scope);
    if (!urls) fields.refuse(`${NAME}.${name}`, SCOPE_ALLOWED);
    return [name, { value, ...urls }];
  });
  return Object.fromEntries(headers);
}

/** A value such as `secret;scope=^https://example\.com/.*`. */
function scoped(text: string): { value: string; scope?: string } {
  const tokens = text.split(';');
  const scope = tokens.find((token) => SCOPE.test(token));
  if (scope === undefined) return { value: text };
  const value = tokens.filter((token) => token !== scope).join(';');
  return { value: value.trim(), scope: scope.replace(SCOPE, '').trim() };
}
