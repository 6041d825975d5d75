import type { BatchEvent, JobEvent, TestEvent } from './api-types.ts';
import { PdfpromptError } from './pdfprompt-error.ts';

/** What an endpoint receives. */
export type WebhookEvent = JobEvent | BatchEvent | TestEvent;

export interface VerifyOptions {
  /** seconds that a message may be old, or be of the future; default 300 */
  tolerance?: number | undefined;
  /** milliseconds since 1970; default: now */
  now?: number | undefined;
}

/** As Standard Webhooks names them. */
type WebhookHeaders = Headers | Record<string, string | readonly string[] | undefined>;

/**
 * The event of a message that was signed with this secret, or with one of these (Standard Webhooks).
 * @param payload the body as it came: it is not parsed before it is verified
 * @throws PdfpromptError `invalid_signature`, also for a message that is too old; `invalid_secret`, `invalid_payload`
 */
export async function verifyWebhook(
  payload: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  { tolerance = 300, now = Date.now() }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const secrets = [secret].flat();
  if (secrets.length === 0) throw invalidSecret();
  // Callers without types: a framework has parsed the body, or has not read it.
  if (typeof payload !== 'string' && !ArrayBuffer.isView(payload))
    throw new PdfpromptError('invalid_payload', 'payload: allowed: the body as it came, as text or bytes, not parsed');
  const keys = await Promise.all(secrets.map(importKey));
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    header(headers, `webhook-${name}`),
  );
  if (!id || !timestamp || !signatures) throw refused('the headers webhook-id, webhook-timestamp and webhook-signature are required'); // prettier-ignore
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > tolerance)
    throw refused(`it was not sent within ${tolerance} seconds of now`);
  const body = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), body);
  for (const key of keys) {
    for (const signature of signaturesIn(signatures))
      // WebCrypto compares in constant time.
      if (await crypto.subtle.verify('HMAC', key, signature, signed))
        return JSON.parse(new TextDecoder().decode(body)) as WebhookEvent;
  }
  throw refused('no signature is of this secret and this body');
}

const refused = (message: string) => new PdfpromptError('invalid_signature', message);

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : value?.join(' ');
}

const invalidSecret = () => new PdfpromptError('invalid_secret', 'secret: allowed: whsec_ and base64');

/** @param secret `whsec_` and base64; undefined if a caller has forgotten to set it */
async function importKey(secret: string | undefined): Promise<CryptoKey> {
  const bytes = fromBase64(secret?.replace(/^whsec_/, '') ?? '');
  if (!bytes || bytes.length === 0) throw invalidSecret();
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

/** Those of version 1 in `v1,… v1,…`. */
function signaturesIn(text: string): Uint8Array<ArrayBuffer>[] {
  return text.split(' ').flatMap((each) => {
    const bytes = each.startsWith('v1,') ? fromBase64(each.slice(3)) : undefined;
    return bytes ? [bytes] : [];
  });
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(head.length + body.length);
  all.set(head);
  all.set(body, head.length);
  return all;
}
