import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { checkedText } from './check-input.ts';
import { type Method, METHODS, targetFields } from './delivery-target.ts';
import { MAX_REPORTS, type Report, reportField } from './report.ts';
import { urlProblem, urlText } from './source.ts';

/** A `report` says how an upload has ended. */
export const DELIVERY_KINDS = ['webhook', 'upload', 'report'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/** As in the database: `awaiting` is for the end of its job, and `waiting` for the next attempt. */
export type DeliveryStatus = 'awaiting' | 'ready' | 'sending' | 'waiting' | 'delivered' | 'failed' | 'cancelled';

/** How something is sent: of an upload `method` and `disposition`; of a report `method`, `body`, `statuses` and `fields`. */
export interface DeliveryOptions extends Pick<Partial<Report>, 'body' | 'statuses' | 'fields'> {
  method?: Method | undefined;
  disposition?: 'attachment' | 'inline' | undefined;
}

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

/** Where the file of a completed job is sent: `upload` of a request. */
export const uploadField = z
  .union(
    [
      urlText.transform((url): Upload => ({ url })),
      z.strictObject({
        ...targetFields,
        method: z.enum(METHODS).optional().describe('Default: PUT'),
        disposition: z
          .enum(['attachment', 'inline'])
          .optional()
          .describe('Of a header `Content-Disposition`, with the name of the file; default: there is none'),
        reports: z
          .array(reportField)
          .max(MAX_REPORTS)
          .optional()
          .describe('What is sent elsewhere when the upload has ended'),
      }),
    ],
    { error: 'allowed: a URL, or {"url": "…", "headers": {…}, …}' },
  )
  .meta({
    description: 'Where the file is sent, such as a presigned URL of a bucket. Several files are sent as one zip',
  });

export interface Upload {
  url: string;
  method?: Method | undefined;
  headers?: Record<string, string> | undefined;
  disposition?: 'attachment' | 'inline' | undefined;
  reports?: Report[] | undefined;
}

/** What a request asks to be sent when its job has ended. */
export interface RequestDeliveries {
  webhook?: string | undefined;
  upload?: Upload | undefined;
}
