import { generateKey, hashKey } from '../../src/accounts/key-format.ts';
import type { Client } from '../../src/db/driver.ts';

/** A user whose key is known. */
export interface Guest {
  id: string;
  key: string;
}

/** Gives seeded users, from the `first` on, keys that are known. */
export async function welcome(sql: Client, first: number, count: number): Promise<Guest[]> {
  const keys = Array.from({ length: count }, generateKey);
  const emails = keys.map((_, index) => `user${first + index}@example.com`);
  const guests = JSON.stringify(
    emails.map((email, index) => ({ email, hash: hashKey(at(keys, index)).toString('hex') })),
  );
  const rows = await sql<{ id: string; email: string }[]>`
    update pdfprompt_api_key k set hash = decode(guest.hash, 'hex')
    from json_to_recordset(${guests}::text::json) as guest (email text, hash text)
    join pdfprompt_user u on u.email = guest.email where k.user_id = u.id
    returning u.id, u.email`;
  return emails.map((email, index) => {
    const row = rows.find((each) => each.email === email);
    if (!row) throw new Error(`there is no ${email}`);
    return { id: row.id, key: at(keys, index) };
  });
}

/** One request. @returns the body @throws if the answer is not as expected */
export type Ask = (
  guest: Pick<Guest, 'key'>,
  method: string,
  path: string,
  expected: number,
  more?: { body?: object; headers?: Record<string, string> },
) => Promise<unknown>;

export function asker(url: string): Ask {
  return async ({ key }, method, path, expected, { body, headers = {} } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, ...(body && { 'Content-Type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status !== expected)
      throw new Error(`${method} ${path} answered ${response.status}, not ${expected}: ${text}`);
    return response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : text;
  };
}

/** Of a list that begins again at its end. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('the list is empty');
  return item;
}
