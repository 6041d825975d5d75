import { createKey } from '../../src/accounts/keys.ts';
import type { TestService } from './service.ts';

/** The console as a browser sees it that sends no scripts' requests. Redirects are not followed. */
export interface Visitor {
  get: (path: string) => Promise<Response>;
  /** a form of a page of ours, unless the headers say otherwise */
  post: (path: string, form?: Record<string, string>, headers?: Record<string, string>) => Promise<Response>;
}

export function visitor(address: string, cookie = ''): Visitor {
  return {
    get: (path) => fetch(`${address}${path}`, { headers: { cookie }, redirect: 'manual' }),
    post: (path, form = {}, headers = { origin: address }) =>
      fetch(`${address}${path}`, {
        method: 'POST',
        headers: { cookie, ...headers },
        body: new URLSearchParams(form),
        redirect: 'manual',
      }),
  };
}

/** `name=value` of the cookie that an answer sets, or nothing. */
export const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? '';

export async function createAdminKey({ base }: Pick<TestService, 'base'>): Promise<{ id: string; key: string }> {
  return createKey(base.db, { email: 'ops@example.com', tier: 'system', scopes: ['admin'] });
}

/** Somebody who is signed in with this key. */
export async function signIn(address: string, key: string): Promise<Visitor & { cookie: string }> {
  const cookie = cookieOf(await visitor(address).post('/console/sign-in', { key }));
  return { ...visitor(address, cookie), cookie };
}
