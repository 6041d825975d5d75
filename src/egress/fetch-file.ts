import type { IncomingMessage } from 'node:http';
import type { Dialer } from './dialer.ts';
import { sendRequest, type SentRequest } from './send-request.ts';

interface FetchedFile {
  url: string;
  headers: Record<string, string>;
  /** instead of those of the same name; only the origin of the URL gets them */
  originHeaders?: Record<string, string>;
  /** milliseconds in all, redirects too */
  totalMs: number;
  /** gives up */
  signal?: AbortSignal;
}

/** What became of it. With `status` 200 and no error all of it was read. */
export interface Fetched extends SentRequest {
  /** where the last request went */
  url: string;
}

/** As browsers have it. */
const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches what a tenant names, over sockets of the dialer. Redirects are followed; each target is checked like the first
 * one. Never throws: whatever the server does is a result.
 * @param read reads the answer if its status is 200. What it throws is the `cause`, with the error `cut`
 */
export async function fetchFile(
  dialer: Dialer,
  { url: first, headers, originHeaders, totalMs, signal }: FetchedFile,
  read: (answer: IncomingMessage) => Promise<void>,
): Promise<Fetched> {
  const endsAt = performance.now() + totalMs;
  let url = first;
  for (let redirects = 0; ; redirects++) {
    let location: string | undefined;
    const sent = await sendRequest(dialer, {
      method: 'GET',
      url,
      headers: new URL(url).origin === new URL(first).origin ? merged(headers, originHeaders) : headers,
      body: Buffer.alloc(0),
      size: 0,
      totalMs: Math.max(1, endsAt - performance.now()),
      ...(signal && { signal }),
      read: async (answer) => {
        if (REDIRECTS.has(answer.statusCode ?? 0)) location = answer.headers.location;
        if (answer.statusCode === 200) await read(answer);
        else answer.destroy();
      },
    });
    const next = location === undefined || sent.error ? null : URL.parse(location, url);
    if (!next || redirects === MAX_REDIRECTS) return { ...sent, url };
    url = next.href;
  }
}

/** Names differ in more than capitals. */
function merged(headers: Record<string, string>, others: Record<string, string> = {}): Record<string, string> {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(others)) all.set(name, value);
  return Object.fromEntries(all);
}
