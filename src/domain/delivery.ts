import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { checkedText } from './check-input.ts';
import { headerNameProblem, headerValueProblem } from './extra-headers.ts';
import { urlProblem, urlText } from './source.ts';

export type DeliveryKind = 'webhook' | 'upload';

/** As in the database: `awaiting` is for the end of its job, and `waiting` for the next attempt. */
export type DeliveryStatus = 'awaiting' | 'ready' | 'sending' | 'waiting' | 'delivered' | 'failed' | 'cancelled';

const MAX_HEADERS = 20;

/** Whether a request names a registered endpoint, and no URL. */
export const isWebhookId = (text: string) => isUuid(text);

/** Where the end of a job is reported: `webhook` of a request. */
export const webhookField = checkedText(
  (text) =>
    isWebhookId(text)
      ? undefined
      : urlProblem(text)?.replace('allowed: ', 'allowed: the id of a registered endpoint, or '),
  8_192,
).meta({
  description: 'Where the end of the job is reported: a URL, or the id of a registered endpoint',
  example: 'https://app.example.com/hooks/pdf',
});

const headers = z
  .record(checkedText(headerNameProblem), checkedText(headerValueProblem, 2_000))
  .refine((all) => Object.keys(all).length <= MAX_HEADERS, `allowed: at most ${MAX_HEADERS} headers`);

/** Where the file of a completed job is put: `upload` of a request. */
export const uploadField = z
  .union([urlText.transform((url) => ({ url })), z.strictObject({ url: urlText, headers: headers.optional() })], {
    error: 'allowed: a URL, or {"url": "…", "headers": {…}}',
  })
  .meta({
    description:
      'Where the file is put by `PUT`: a URL, such as a presigned one of a bucket, with headers that it needs',
  });
type Upload = z.output<typeof uploadField> & { headers?: Record<string, string> | undefined };

/** What a request asks to be sent when its job has ended. */
export interface RequestDeliveries {
  webhook?: string | undefined;
  upload?: Upload | undefined;
}
