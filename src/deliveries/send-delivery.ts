import type { Database } from '../db/pools.ts';
import { testEvent } from '../domain/test-event.ts';
import type { Dialer } from '../egress/dialer.ts';
import { SEND_ERRORS, sendRequest, type SentRequest } from '../egress/send-request.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';
import type { ClaimedDelivery } from './claim.ts';
import { type Ended, eventOf } from './ended.ts';
import { ownSecret } from './own-secret.ts';
import type { PreparedRequest } from './prepared-request.ts';
import type { Attempt } from './record.ts';
import { reportRequest } from './report-request.ts';
import { signatureHeaders } from './sign.ts';
import { uploadRequest } from './upload-request.ts';

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
  const request = await prepare(deps, claimed, ended);
  if (typeof request === 'string') return final(request);
  const own = { 'User-Agent': deps.userAgent, ...request.headers };
  const headers = { ...withoutNamed(own, claimed.headers), ...claimed.headers };
  return tried(await sendRequest(deps.dialer, { ...request, headers, url: claimed.url, signal }));
}

/** @returns words if there is nothing to send */
async function prepare(
  deps: SendDeps,
  claimed: ClaimedDelivery,
  ended: Ended | undefined,
): Promise<PreparedRequest | string> {
  if (claimed.kind === 'webhook') return webhookRequest(deps, claimed, ended);
  if (!ended || !('job' in ended)) return 'the job is gone';
  return claimed.kind === 'report' ? reportRequest(deps, claimed, ended.job) : uploadRequest(deps, claimed, ended.job);
}

async function webhookRequest(
  { db, publicUrl, webhookMs }: SendDeps,
  { id, userId, webhookId = '', claimedAt: at, secrets }: ClaimedDelivery,
  ended: Ended | undefined,
): Promise<PreparedRequest> {
  const content = ended ? eventOf(ended, publicUrl) : testEvent(webhookId, at);
  const payload = JSON.stringify(content);
  const body = Buffer.from(payload);
  const signing = secrets.length > 0 ? secrets : [(await ownSecret(db, userId)).secret];
  return {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...signatureHeaders({ id, at, payload, secrets: signing }),
    },
    body,
    size: body.byteLength,
    totalMs: webhookMs,
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
