import { shownUrl } from './shown-url.ts';

/** In place of what is not shown. */
const HIDDEN = '(hidden)';

/** Names of members that are secrets wherever they are. */
const SECRET = /pass(?:word|phrase)|secret|token|credential|authori[sz]ation|api_?key|^authenticate$/i;
/** Objects whose members have names of the sender's choice, and are secrets all the same. */
const SECRETS_BY_NAME = new Set(['setExtraHTTPHeaders', 'headers']);
/** What may be the document, or part of it: it is as it was sent. */
const DOCUMENT = new Set(['html', 'markdown', 'data', 'content', 'text', 'headerTemplate', 'footerTemplate', 'fn']);

/**
 * A request without what lets somebody in: values of cookies and headers, passwords, and of addresses the user name,
 * the query and the fragment. What is the document is left as it is.
 */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (DOCUMENT.has(name)) return value;
  if (SECRET.test(name)) return hidden(value);
  if (typeof value === 'string') return withoutQuery(value);
  if (Array.isArray(value))
    return value.map((each) => withoutSecrets(name === 'cookies' ? withoutValue(each) : each, name));
  if (typeof value !== 'object' || value === null) return value;
  const isByName = SECRETS_BY_NAME.has(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, isByName ? HIDDEN : withoutSecrets(each, key)]),
  );
}

const hidden = (value: unknown) => (value === undefined || value === null ? value : HIDDEN);

const withoutValue = (cookie: unknown) =>
  typeof cookie === 'object' && cookie !== null && 'value' in cookie ? { ...cookie, value: HIDDEN } : cookie;

function withoutQuery(text: string): string {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return text;
  const { username, password, search, hash } = new URL(text);
  const shown = username === '' && password === '' ? shownUrl(text) : shownUrl(text).replace('//', `//${HIDDEN}@`);
  return `${shown}${search === '' ? '' : `?${HIDDEN}`}${hash === '' ? '' : `#${HIDDEN}`}`;
}
