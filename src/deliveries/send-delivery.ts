import { Readable } from 'node:stream';
import { and, eq } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { file } from '../db/schema.ts';
import { contentTypeOf } from '../domain/media-type.ts';
import { testEvent } from '../domain/test-event.ts';
import type { Dialer } from '../egress/dialer.ts';
import { type OutgoingRequest, SEND_ERRORS, sendRequest, type SentRequest } from '../egress/send-request.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';
import type { ClaimedDelivery } from './claim.ts';
import { type Ended, eventOf } from './ended.ts';
import { ownSecret } from './own-secret.ts';
import type { Attempt } from './record.ts';
import { signatureHeaders } from './sign.ts';

export interface SendDeps {
  db: Database;
  stores: Stores;
  dialer: Dialer;
  /** of the service, for links */
  publicUrl: string | undefined;
  /** the header `User-Agent` */
  userAgent: string;
  /** milliseconds that a receiver of a webhook has to answer */
  webhookMs: number;
}

/** A try, and what only the log may say of it. */
export interface Tried extends Attempt, Pick<SentRequest, 'denied'> {
  /** it was stopped by us */
  isAborted?: boolean;
}

/** Milliseconds of an upload for which nothing may move. */
const UPLOAD_IDLE_MS = 30_000;
/** Milliseconds of an upload in all: a minute, and a second for each megabyte. */
const uploadMs = (size: number) => 60_000 + size / UPLOAD_BYTES_PER_MS;
const UPLOAD_BYTES_PER_MS = 1_000;

/** It cannot be sent, and another try would not help. */
const final = (error: string): Tried => ({ isDelivered: false, isFinal: true, error, answer: '', ms: 0 });

/**
 * Tries to send a delivery once. Whatever the receiver does is a result.
 * @param ended what is reported; undefined for a test, and if it is gone
 * @throws only what the database throws
 */
export async function sendDelivery(
  deps: SendDeps,
  claimed: ClaimedDelivery,
  ended: Ended | undefined,
  signal: AbortSignal,
): Promise<Tried> {
  if (claimed.isOff && !claimed.isTest) return final('the endpoint is switched off');
  if (!ended && !claimed.isTest) return final(`the ${claimed.jobId === undefined ? 'batch' : 'job'} is gone`);
  const request = claimed.kind === 'webhook' ? await webhookRequest(deps, claimed, ended) : await uploadRequest(deps, claimed); // prettier-ignore
  if ('isFinal' in request) return request;
  return tried(await sendRequest(deps.dialer, { ...request, url: claimed.url, signal }));
}

type Prepared = Omit<OutgoingRequest, 'url' | 'signal'>;

async function webhookRequest(
  { db, publicUrl, userAgent, webhookMs }: SendDeps,
  { id, userId, webhookId = '', claimedAt: at, secrets }: ClaimedDelivery,
  ended: Ended | undefined,
): Promise<Prepared> {
  const content = ended ? eventOf(ended, publicUrl) : testEvent(webhookId, at);
  const payload = JSON.stringify(content);
  const body = Buffer.from(payload);
  const signing = secrets.length > 0 ? secrets : [(await ownSecret(db, userId)).secret];
  return {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': userAgent,
      ...signatureHeaders({ id, at, payload, secrets: signing }),
    },
    body,
    size: body.byteLength,
    totalMs: webhookMs,
  };
}

/** The job's first file, as a stream from its store. */
async function uploadRequest(
  { db, stores, userAgent }: SendDeps,
  { jobId = '', userId, headers }: ClaimedDelivery,
): Promise<Prepared | Tried> {
  const [row] = await db
    .select()
    .from(file)
    .where(and(eq(file.jobId, jobId), eq(file.position, 0)));
  if (!row || row.expiredAt) return final('the file is gone');
  const pieces = stores.of(row)?.open(db, { userId, fileId: row.id, size: row.size });
  if (!pieces) return final('the store of the file is not known any longer');
  return {
    method: 'PUT',
    headers: { ...withoutNamed({ 'Content-Type': contentTypeOf(row.type), 'User-Agent': userAgent }, headers), ...headers },
    body: Readable.from(pieces, { highWaterMark: 1 }),
    size: row.size,
    totalMs: uploadMs(row.size),
    idleMs: UPLOAD_IDLE_MS,
  };
}

/** Without headers that are given by another name in capitals or not. */
function withoutNamed(own: Record<string, string>, given: Record<string, string>): Record<string, string> {
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(own).filter(([name]) => !names.has(name.toLowerCase())));
}

function tried({ error, cause, ...sent }: SentRequest): Tried {
  const { status = 0 } = sent;
  if (error === 'body') {
    const isGone = cause instanceof CodedError && cause.code === 'file_expired';
    return { ...sent, isDelivered: false, isFinal: isGone, error: isGone ? 'the file is gone' : 'the file could not be read' }; // prettier-ignore
  }
  if (error === 'aborted') return { ...sent, isDelivered: false, isFinal: false, isAborted: true };
  const isDelivered = error === undefined && status >= 200 && status < 300;
  const isRedirect = error === undefined && status >= 300 && status < 400;
  const words = error ? SEND_ERRORS[error] : isRedirect ? 'redirects are not followed' : undefined;
  return { ...sent, isDelivered, isFinal: error === 'unsendable', error: words };
}
