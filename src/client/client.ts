// What `pdfprompt/client` exports. Nothing here, nor in what it imports, needs Node.

export type * from './api-types.ts';
export type { BatchOptions, NewBatch } from './batches.ts';
export type { CallOptions, PdfpromptOptions, SubmitOptions } from './connection.ts';
export type { WaitOptions } from './deadline.ts';
export type { Download } from './download.ts';
export type { ListenedEvent, ListenOptions } from './event-listener.ts';
export type { FileOptions, RequestOptions } from './jobs.ts';
export { Pdfprompt } from './pdfprompt.ts';
export { PdfpromptError } from './pdfprompt-error.ts';
export type { PrintOptions } from './printer.ts';
export type { NewTemplate, TemplateOptions } from './templates.ts';
export type { Upload, Uploads } from './upload.ts';
export { type VerifyOptions, verifyWebhook, type WebhookEvent } from './verify-webhook.ts';
