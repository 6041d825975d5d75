import type { Fields } from '../fields.ts';
import { isText, objectOf } from '../engines/json-object.ts';

const ALLOWED = 'a JSON list of cookies {name, value, domain, path, secure, httpOnly, sameSite}';
const SAME_SITE = ['Strict', 'Lax', 'None'] as const;
const NAME = 'cookies';

/** Cookies as ours has them. @returns undefined if the field is absent or was refused */
export function readCookies(fields: Fields): Record<string, unknown>[] | undefined {
  const list = fields.json(NAME, (json) => (Array.isArray(json) ? json.map(objectOf) : undefined), ALLOWED);
  return list?.flatMap((cookie, index) => {
    if (fields.isFull) return [];
    const at = `${NAME}[${index}]`;
    const { name, value, domain, path, secure, httpOnly, sameSite } = cookie ?? {};
    if (!isGiven(name) || !isGiven(value) || !isGiven(domain)) {
      fields.refuse(at, 'required: name, value and domain, as text');
      return [];
    }
    const policy = isGiven(sameSite) ? SAME_SITE.find((each) => each.toLowerCase() === sameSite.toLowerCase()) : undefined; // prettier-ignore
    if (isGiven(sameSite) && policy === undefined) fields.refuse(`${at}.sameSite`, `allowed: ${SAME_SITE.join(', ')}`);
    return [
      {
        name,
        value,
        domain: domain.replace(/:\d+$/, ''), // a browser knows no ports of cookies
        ...(isGiven(path) && { path }),
        ...(typeof secure === 'boolean' && { secure }),
        ...(typeof httpOnly === 'boolean' && { httpOnly }),
        ...(policy && { sameSite: policy }),
      },
    ];
  });
}

const isGiven = (value: unknown): value is string => isText(value) && value !== '';
