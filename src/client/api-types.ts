// Made from the OpenAPI document by `npm run docs`.

export interface Asset {
  /** SHA-256 of the bytes, in lower-case hex */
  id: string;
  /** Bytes */
  size: number;
  /** Media type */
  type: string;
}

export interface Batch {
  id: string;
  /** `processing`: its items; `closing`: they have ended and are merged; `completed`: at least one item is; `failed`: none is, or they could not be merged; `cancelled`: and over when `completedAt` is set */
  status: BatchStatus;
  result: 'files' | 'zip' | 'merged';
  items: ItemCounts;
  /** What was wrong with the first rows that were left out */
  skippedRows: SkippedRow[];
  /** Of the merged PDF or of the zip */
  filename: string | null;
  metadata: Metadata;
  /** What its items print: `invoice@7` */
  templates: string[];
  /** Why it failed */
  error: JobError | null;
  /** Of the job that merges the items; its file is the merged PDF. null until there is one */
  job: string | null;
  createdAt: string;
  completedAt: string | null;
}

/** A batch has ended */
export interface BatchEvent {
  type: 'batch.completed';
  /** When the batch ended */
  timestamp: string;
  /** Of this payload. Within a version members are only added */
  version: 1;
  data: EndedBatch;
}

export interface BatchOfJob {
  id: string;
  /** null: it merges the items */
  row: number | null;
}

export interface BatchPage {
  data: Batch[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

export interface BatchRequest {
  /** What all items have in common. `filename` is a pattern, with `{row}` and `{data.NAME}`; `webhook` is called when the batch ends; `upload` is for the merged PDF */
  request: PdfRequest;
  items: ItemRequest[];
  /** `files`: a file for each item; `zip`: the same, to be fetched as one; `merged`: one PDF of all */
  result?: 'files' | 'zip' | 'merged' | undefined;
  /** `refuse`: one item that is not valid refuses the batch; `skip`: it is left out */
  onBadRow?: 'refuse' | 'skip' | undefined;
  /** Of the merged PDF, or of the zip */
  filename?: string | undefined;
  /** Your own data, stored with the batch and returned with it */
  metadata?: Record<string, string | number | boolean | null> | undefined;
}

export type BatchStatus = 'processing' | 'closing' | 'completed' | 'failed' | 'cancelled';

export interface Bookmark {
  title: string;
  page: number;
  children?: BookmarkOfLevel2[] | undefined;
}

export interface BookmarkOfLevel2 {
  title: string;
  page: number;
  children?: BookmarkOfLevel3[] | undefined;
}

export interface BookmarkOfLevel3 {
  title: string;
  page: number;
  children?: BookmarkOfLevel4[] | undefined;
}

export interface BookmarkOfLevel4 {
  title: string;
  page: number;
  children?: BookmarkOfLevel5[] | undefined;
}

export interface BookmarkOfLevel5 {
  title: string;
  page: number;
}

export interface BoundHeader {
  value: string;
  urls?: string | string[] | undefined;
  hosts?: string[] | undefined;
}

export interface ConsoleMessage {
  type: ConsoleMessageType;
  text: string;
  /** Address, line and column, such as `app.js:12:5`; null: not known */
  at: string | null;
  /** How often it came in a row */
  times: number;
}

/** `exception`: an error that no script catches */
export type ConsoleMessageType = 'exception' | 'error' | 'warning' | 'info' | 'log' | 'debug';

export interface Cookie {
  name: string;
  value: string;
  url?: string | undefined;
  domain?: string | undefined;
  path?: string | undefined;
  secure?: boolean | undefined;
  httpOnly?: boolean | undefined;
  sameSite?: 'Strict' | 'Lax' | 'None' | undefined;
  /** Seconds since 1970 */
  expires?: number | undefined;
}

export interface Credentials {
  username: string;
  password: string;
}

export interface Delivery {
  /** The `webhook-id` of the message */
  id: string;
  /** `report`: of how an upload has ended */
  kind: 'webhook' | 'upload' | 'report';
  /** Of the job that ended */
  jobId: string | null;
  /** Of the batch that ended. This and `jobId` null: a test */
  batchId: string | null;
  /** null: the request names the URL */
  webhookId: string | null;
  /** Without its query, which may be a credential */
  url: string;
  /** Such as `job.completed`; null while what it reports has not ended */
  event: string | null;
  status: DeliveryStatus;
  attempts: number;
  createdAt: string;
  /** null unless it waits for a time */
  nextAttemptAt: string | null;
  endedAt: string | null;
  /** The last 20, oldest first */
  tries: DeliveryAttempt[];
}

export interface DeliveryAttempt {
  number: number;
  at: string;
  ms: number;
  /** Of the HTTP answer; null if there was none */
  status: number | null;
  /** null: it was a success */
  error: string | null;
  /** The first kilobyte of the answer’s body */
  answer: string | null;
}

export interface DeliveryList {
  data: Delivery[];
}

export interface DeliveryPage {
  data: Delivery[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'cancelled';

export interface EndedBatch {
  /** Of the batch */
  id: string;
  /** `completed`: at least one item is, so look at `items` */
  status: 'completed' | 'failed' | 'cancelled';
  /** Of the batch: a path, or with PUBLIC_URL the whole URL */
  url: string;
  result: 'files' | 'zip' | 'merged';
  filename: string | null;
  metadata: Record<string, string | number | boolean | null>;
  items: {
    total: number;
    completed: number;
    failed: number;
    cancelled: number;
    skipped: number;
  };
  /** Why it failed */
  error: EventError | null;
  /** That merged the items */
  job: string | null;
  /** The merged PDF, and its bytes */
  file: {
    pages: number;
    size: number;
  } | null;
  completedAt: string;
}

export interface EndedJob {
  /** Of the job */
  id: string;
  status: 'completed' | 'failed' | 'cancelled';
  /** Of the job: a path, or with PUBLIC_URL the whole URL */
  url: string;
  filename: string | null;
  metadata: Record<string, string | number | boolean | null>;
  /** Why it failed */
  error: EventError | null;
  /** How many files it has */
  files: number;
  /** Of all files together */
  pages: number;
  /** Bytes of all files together */
  size: number;
  completedAt: string;
}

export type ErrorCode =
  | 'invalid_json'
  | 'invalid_request'
  | 'unauthenticated'
  | 'missing_scope'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'job_not_ready'
  | 'batch_not_ready'
  | 'job_not_retryable'
  | 'batch_not_retryable'
  | 'user_exists'
  | 'tier_in_use'
  | 'key_not_rotatable'
  | 'asset_limit_reached'
  | 'template_limit_reached'
  | 'link_expired'
  | 'webhook_limit_reached'
  | 'schedule_limit_reached'
  | 'webhook_off'
  | 'delivery_not_replayable'
  | 'file_expired'
  | 'body_too_large'
  | 'range_not_satisfiable'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'too_much_under_way'
  | 'too_many_failures'
  | 'idempotency_mismatch'
  | 'client_closed_request'
  | 'navigation_failed'
  | 'egress_denied'
  | 'document_status'
  | 'resource_failed'
  | 'selector_not_found'
  | 'function_not_true'
  | 'function_failed'
  | 'console_error'
  | 'page_too_tall'
  | 'page_ranges_invalid'
  | 'print_failed'
  | 'pdf_too_large'
  | 'too_many_pages'
  | 'too_many_resources'
  | 'memory_exceeded'
  | 'document_crashed'
  | 'render_timeout'
  | 'template_failed'
  | 'data_invalid'
  | 'markdown_failed'
  | 'pdf_refused'
  | 'finishing_invalid'
  | 'not_conformant'
  | 'job_failed'
  | 'poison'
  | 'internal'
  | 'browser_failed'
  | 'finishing_failed'
  | 'unavailable';

export interface EventError {
  code: string;
  message: string;
}

export type EventType = 'job.completed' | 'job.failed' | 'job.cancelled' | 'batch.completed';

export interface FailedResource {
  url: string;
  reason: string;
}

export interface FailingResources {
  /** Answers with one of these statuses fail the job; default: none */
  statuses?: (number | string)[] | undefined;
  /** Whether a resource that gets no answer, or one that the page may not use, fails the job */
  unreachable?: boolean | undefined;
  /** Hosts whose resources fail no job, with their subdomains */
  ignore?: string[] | undefined;
}

export interface FieldProblem {
  /** Its path */
  field: string;
  message: string;
  /** Of a batch, from 1 */
  row?: number | undefined;
}

export interface File {
  id: string;
  /** Bytes */
  size: number;
  /** Of a picture 1 */
  pages: number;
  /** Media type */
  type: 'application/pdf' | 'image/png' | 'image/jpeg' | 'image/webp' | 'text/html' | 'application/json';
  /** Its own, by `filename` of its part; null: that of the job */
  name: string | null;
  /** With `split.parts` which part it is of, from 0; otherwise null */
  part: number | null;
  sha256: string;
  /** null if the PDF has expired or its store cannot be reached */
  url: string | null;
  /** The PDF is kept until then */
  expiresAt: string;
}

export type FileInput =
  | string
  | {
      text: string;
    }
  | {
      base64: string;
    };

export interface FileList {
  data: File[];
}

/** What is done with the PDF; always in this order */
export interface Finishing {
  /** Pages that are kept, in this order; each once. Default: all */
  pages?: string | undefined;
  /** Degrees, clockwise */
  rotate?:
    | 90
    | 180
    | 270
    | {
        angle: 90 | 180 | 270;
        pages?: string | undefined;
      }[]
    | undefined;
  /** Put over pages, in this order */
  overlay?: Layer[] | undefined;
  /** Put under pages, in this order */
  underlay?: Layer[] | undefined;
  /** Form fields and annotations become part of the page */
  flatten?: boolean | undefined;
  /** Images with more pixels than this resolution needs are made smaller, as JPEG */
  images?:
    | {
        /** `false`: images keep their pixels */
        maxDpi?: number | false | undefined;
        /** Of JPEG */
        quality?: number | undefined;
        /** Images that are stored without loss become JPEG too, if that is smaller */
        reencode?: boolean | undefined;
      }
    | undefined;
  /** The PDF's own, which viewers show and search engines read; not the job's `metadata`. What is not named stays as it is */
  properties?:
    | {
        title?: string | undefined;
        author?: string | undefined;
        subject?: string | undefined;
        keywords?: string[] | undefined;
        /** The program that the document was written with */
        creator?: string | undefined;
        /** The program that made the PDF of it */
        producer?: string | undefined;
        /** When the document was written */
        created?: string | undefined;
        /** When it was changed last */
        modified?: string | undefined;
        /** Whether it is trapped for print */
        trapped?: 'True' | 'False' | 'Unknown' | undefined;
        language?: string | undefined;
        custom?: Record<string, string | number | boolean | string[]> | undefined;
      }
    | undefined;
  /** A list: instead of those that there are; `[]`: none. For several parts that are merged: `titles`: one for each part; `own`: those of the parts; `both` (default): those of each part below its title */
  bookmarks?: Bookmark[] | 'both' | 'titles' | 'own' | undefined;
  attachments?:
    | {
        /** One of the `files` */
        file: string;
        /** Default: its path */
        name?: string | undefined;
        mediaType?: string | undefined;
        description?: string | undefined;
        /** What it is to the document */
        relationship?:
          | 'Source'
          | 'Data'
          | 'Alternative'
          | 'Supplement'
          | 'Unspecified'
          | 'EncryptedPayload'
          | 'FormData'
          | 'Schema'
          | undefined;
      }[]
    | undefined;
  /** Makes a Factur-X (ZUGFeRD) invoice; brings PDF/A-3b */
  facturx?:
    | {
        /** One of the `files`: the invoice as XML */
        file?: string | undefined;
        /** The invoice as XML */
        xml?: string | undefined;
        level: 'MINIMUM' | 'BASIC WL' | 'BASIC' | 'EN 16931' | 'EXTENDED' | 'XRECHNUNG';
        documentType?: 'INVOICE' | 'ORDER' | 'ORDER_RESPONSE' | 'ORDER_CHANGE' | undefined;
        /** Of the schema of the XML */
        version?: string | undefined;
      }
    | undefined;
  /** What the PDF is made to conform to, and checked for; the job fails with `not_conformant` if it does not */
  conformance?:
    | 'PDF/A-1b'
    | 'PDF/A-2b'
    | 'PDF/A-3b'
    | 'PDF/UA-1'
    | ('PDF/A-1b' | 'PDF/A-2b' | 'PDF/A-3b' | 'PDF/UA-1')[]
    | undefined;
  /** Smaller files, for readers of PDF 1.5 (2003) and later */
  objectStreams?: boolean | undefined;
  /** For viewers that show the first page before the rest has come */
  linearize?: boolean | undefined;
  /** AES with 256 bits */
  encrypt?:
    | {
        /** Needed to open it */
        userPassword?: string | undefined;
        /** Needed to change the permissions */
        ownerPassword?: string | undefined;
        permissions?:
          | {
              print?: boolean | undefined;
              copy?: boolean | undefined;
              modify?: boolean | undefined;
              annotate?: boolean | undefined;
              fillForms?: boolean | undefined;
              assemble?: boolean | undefined;
            }
          | undefined;
      }
    | undefined;
  /** A signature (PAdES) with the operator's certificate */
  sign?:
    | true
    | {
        reason?: string | undefined;
        location?: string | undefined;
        contact?: string | undefined;
      }
    | undefined;
}

export interface GotoOptions {
  waitUntil?:
    | 'load'
    | 'domcontentloaded'
    | 'networkidle0'
    | 'networkidle2'
    | ('load' | 'domcontentloaded' | 'networkidle0' | 'networkidle2')[]
    | undefined;
  timeout?: number | undefined;
}

export interface ItemCounts {
  total: number;
  /** That have not ended */
  open: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** Rows that were not valid and were left out, as the request allowed; not in `total` */
  skipped: number;
}

/** With `data` or one of the sources, if `request` has none */
export interface ItemRequest {
  /** What the template of `request` prints */
  data?: unknown;
  /** The document itself */
  html?: string | undefined;
  /** Where the document is: http or https, without user name and password */
  url?: string | undefined;
  /** The document itself, in GitHub’s dialect */
  markdown?: string | undefined;
  /** Default: that of `request`, a pattern */
  filename?: string | undefined;
  /** Of its bookmark in the merged PDF; default: the title of its document */
  title?: string | undefined;
  /** Over that of `request` */
  metadata?: Record<string, string | number | boolean | null> | undefined;
}

export interface Job {
  id: string;
  status: JobStatus;
  priority: Priority;
  attempts: number;
  createdAt: string;
  /** When it is printed, if the request says so */
  runAt: string | null;
  startedAt: string | null;
  completedAt: string | null;
  /** 1 is next, 100 means 100 or more; null unless queued, or while it is paused */
  queuePosition: number | null;
  /** Whether operators of the service let it wait: it is printed when they end the pause */
  paused: boolean;
  /** Milliseconds */
  timings: Timings | null;
  error: JobError | null;
  /** The first of its files */
  file: File | null;
  /** The first 20 resources that did not load; the document was printed without them */
  failedResources: FailedResource[];
  /** The number of all resources that did not load */
  failedResourceCount: number;
  /** The first 20 font families that the document asked for first and did not get: it was printed in the next ones of its lists */
  missingFonts: string[];
  /** What was not waited for any longer, with `bestAttempt`; empty if the document is complete */
  incomplete: string[];
  metadata: Metadata;
  /** The versions of templates that it prints: `invoice@7` */
  templates: string[];
  /** What became of the upload; null if none was asked for */
  upload: UploadState | null;
  /** The batch that it belongs to, and its row there */
  batch: BatchOfJob | null;
  /** The job that it is a retry of */
  retryOf: string | null;
}

export interface JobDetails {
  id: string;
  status: JobStatus;
  priority: Priority;
  attempts: number;
  createdAt: string;
  /** When it is printed, if the request says so */
  runAt: string | null;
  startedAt: string | null;
  completedAt: string | null;
  /** 1 is next, 100 means 100 or more; null unless queued, or while it is paused */
  queuePosition: number | null;
  /** Whether operators of the service let it wait: it is printed when they end the pause */
  paused: boolean;
  /** Milliseconds */
  timings: Timings | null;
  error: JobError | null;
  /** The first of its files */
  file: File | null;
  /** The first 20 resources that did not load; the document was printed without them */
  failedResources: FailedResource[];
  /** The number of all resources that did not load */
  failedResourceCount: number;
  /** The first 20 font families that the document asked for first and did not get: it was printed in the next ones of its lists */
  missingFonts: string[];
  /** What was not waited for any longer, with `bestAttempt`; empty if the document is complete */
  incomplete: string[];
  metadata: Metadata;
  /** The versions of templates that it prints: `invoice@7` */
  templates: string[];
  /** What became of the upload; null if none was asked for */
  upload: UploadState | null;
  /** The batch that it belongs to, and its row there */
  batch: BatchOfJob | null;
  /** The job that it is a retry of */
  retryOf: string | null;
  /** Its retries, oldest first: at most 20 */
  retriedAs: string[];
  /** What its pages said in the console of the browser: at most 100 messages, errors before others, kept as long as the document or the PDF */
  consoleMessages: ConsoleMessage[];
  /** The number of all messages */
  consoleMessageCount: number;
  /** The path of a picture of the page that failed, kept as long as the document; null: none */
  failurePicture: string | null;
}

export interface JobError {
  /** As that of a problem. `invalid_request`: it was submitted in SQL, and its request is not valid */
  code: string;
  message: string;
}

/** A job has ended */
export interface JobEvent {
  type: 'job.completed' | 'job.failed' | 'job.cancelled';
  /** When the job ended */
  timestamp: string;
  /** Of this payload. Within a version members are only added */
  version: 1;
  data: EndedJob;
}

export interface JobOfRun {
  id: string;
  status: JobStatus;
}

export interface JobPage {
  data: Job[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

export type JobStatus = 'scheduled' | 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** Exactly one of html, text, image, pdf; what else it has depends on that */
export interface Layer {
  /** As large as the page. Elements of class `pageNumber` and `totalPages` are filled in */
  html?: string | undefined;
  /** One line, or several with line breaks between them */
  text?: string | undefined;
  /** One of the `files`: PNG, JPEG, WebP or SVG */
  image?: string | undefined;
  /** One of the `files`; its page `page`, as large as it fits on the page, in the middle */
  pdf?: string | undefined;
  /** Of `pdf`; default 1. `same`: each page gets the page of its number, and those after the last one that */
  page?: number | 'same' | undefined;
  /** Pages that get it; default: all. `2-` and `even` may be none */
  pages?: string | undefined;
  /** Of `text`, `image` and `pdf`; default center */
  position?:
    | 'top-left'
    | 'top'
    | 'top-right'
    | 'left'
    | 'center'
    | 'right'
    | 'bottom-left'
    | 'bottom'
    | 'bottom-right'
    | undefined;
  /** Between `text`, `image` or `pdf` and the edges of the page; default 10mm, of `pdf` 0 */
  margin?: number | string | undefined;
  /** From its position to the right and down; of `text`, `image` and `pdf` */
  offset?:
    | {
        x?: number | string | undefined;
        y?: number | string | undefined;
      }
    | undefined;
  /** Of `image`; default: its own, smaller if it would not fit */
  width?: number | string | undefined;
  /** Of its own size, which for `text` is that of `fontSize`; also if it would not fit */
  scale?: number | undefined;
  /** As large as fits into this share of the width and height of the page; of `text`, `image` and `pdf` */
  fit?: number | undefined;
  /** Of `text`, smaller if it would not fit; default 12 */
  fontSize?: number | string | undefined;
  /** Of `text`; default Helvetica */
  fontFamily?: string | undefined;
  /** Of `text` */
  bold?: boolean | undefined;
  /** Of `text` */
  italic?: boolean | undefined;
  /** Of the lines of `text`; default: as it is written */
  align?: 'left' | 'center' | 'right' | undefined;
  /** Of `text`; default #000000 */
  color?: string | undefined;
  /** Behind `text`; default: none */
  background?: string | undefined;
  /** Of the background around `text`; default 0 */
  padding?: number | string | undefined;
  /** Default 1 */
  opacity?: number | undefined;
  /** Degrees, clockwise, of `text`, `image` and `pdf`; `diagonal-up`: along the diagonal from the lower left, `diagonal-down`: from the upper left */
  rotate?: number | 'diagonal-up' | 'diagonal-down' | undefined;
}

export interface Link {
  /** Shown once. Who has it can read the file */
  url: string;
  expiresAt: string;
  file: number;
  disposition: 'inline' | 'attachment';
  via: 'service' | 'bucket';
}

export interface ListedItem {
  /** From 1, without the header of a CSV */
  row: number;
  /** The id of its job */
  job: string;
  status: JobStatus;
  filename: string | null;
  metadata: Metadata;
  error: JobError | null;
  /** The first of its files */
  file: File | null;
  /** How many files it has; those after the first are at `/v1/jobs/{id}/files/{n}` */
  files: number;
  completedAt: string | null;
}

export interface ListedItemPage {
  items: ListedItem[];
  /** `after` of the next page; null: that was all */
  next: number | null;
}

export interface Margin {
  /** Pixels, or a number with `px`, `in`, `cm` or `mm` */
  top?: number | string | undefined;
  /** Pixels, or a number with `px`, `in`, `cm` or `mm` */
  right?: number | string | undefined;
  /** Pixels, or a number with `px`, `in`, `cm` or `mm` */
  bottom?: number | string | undefined;
  /** Pixels, or a number with `px`, `in`, `cm` or `mm` */
  left?: number | string | undefined;
}

export interface MarkdownOptions {
  /** Whether HTML in markdown is HTML; otherwise it is printed as text */
  allowHtml?: boolean | undefined;
  /** CSS instead of ours */
  styleSheet?: string | undefined;
}

export interface MediaFeature {
  name:
    | 'prefers-color-scheme'
    | 'prefers-reduced-motion'
    | 'prefers-reduced-transparency'
    | 'prefers-contrast'
    | 'color-gamut';
  value: string;
}

export type Metadata = Record<string, string | number | boolean | null>;

export interface NewLink {
  /** Seconds that the link is valid. It ends with the file, if that is earlier */
  expiresIn?: number | undefined;
  /** Whether a browser shows the file or saves it; HTML is always saved */
  disposition?: 'inline' | 'attachment' | undefined;
  /** Which of the files of the job; the first is 0 */
  file?: number | undefined;
  /** Who sends the file: the service, or the bucket that it is in, whose links cannot be revoked (docs/links.md) */
  via?: 'service' | 'bucket' | undefined;
}

/** What the job makes: a PDF, or pictures of the page, or with `pages` of the pages of the PDF; `html`: what the page is as HTML when it has loaded and every wait is over; `json`: what is in the PDFs of its parts */
export type OutputSettings =
  | 'pdf'
  | 'png'
  | 'jpeg'
  | 'webp'
  | 'html'
  | 'json'
  | {
      type: 'pdf' | 'png' | 'jpeg' | 'webp' | 'html' | 'json';
      /** Of jpeg and webp; default 80 */
      quality?: number | undefined;
      /** Pictures of these pages of the PDF, a file each */
      pages?: string | undefined;
      /** With `pages`; default 96 */
      dpi?: number | undefined;
      /** The whole document, not only what the viewport shows */
      fullPage?: boolean | undefined;
      /** Pixels of the document */
      clip?:
        | {
            x: number;
            y: number;
            width: number;
            height: number;
          }
        | undefined;
      /** The first element that it finds */
      selector?: string | undefined;
      /** Transparent where the document has no background; not jpeg */
      omitBackground?: boolean | undefined;
    };

/** A source, and print options over those of the request */
export interface Part {
  /** The document itself */
  html?: string | undefined;
  /** Where the document is: http or https, without user name and password */
  url?: string | undefined;
  /** The document itself, in GitHub’s dialect */
  markdown?: string | undefined;
  /** One of your templates: its newest version, or the one after `@`. `data` is what it prints */
  template?: string | undefined;
  pdf?: PdfSource | undefined;
  /** Files by their paths: the id of an asset (`PUT /v1/assets`), or the file itself as `{"text": "…"}` or `{"base64": "…"}`. The document finds them by relative and by root-relative paths. Without another source, one of them is the document: `index.html` or `index.md` */
  files?: Record<string, FileInput> | undefined;
  /** What a template prints: an object of any JSON */
  data?: Record<string, unknown> | undefined;
  /** Of its bookmark; default: the title of its document */
  title?: string | undefined;
  /** Of its file, with `split.parts` */
  filename?: string | undefined;
  /** Instead of those that it has, with pages counted from its first; `[]`: none */
  bookmarks?: Bookmark[] | undefined;
  /** For `markdown` and `index.md` */
  markdownOptions?: MarkdownOptions | undefined;
  options?: PdfOptions | undefined;
  gotoOptions?: GotoOptions | undefined;
  waitForSelector?: WaitForSelector | undefined;
  /** Milliseconds to wait before printing */
  waitForTimeout?: number | undefined;
  emulateMediaType?: 'screen' | 'print' | undefined;
  viewport?: Viewport | undefined;
  cookies?: Cookie[] | undefined;
  /** Sent with requests to the origins of `extraHTTPHeadersTo`, and to no others. One with `urls` is sent with requests whose URL fits this pattern instead, or one of a list, as in `rejectRequestPattern`; with `hosts`: to these hosts and their subdomains */
  setExtraHTTPHeaders?: Record<string, string | BoundHeader> | undefined;
  /** The origins that `setExtraHTTPHeaders` are sent to: `origin` (the default): scheme, host and port of `url`, and none with `html`; `all`: every origin; a list: these origins */
  extraHTTPHeadersTo?: 'origin' | 'all' | string[] | undefined;
  userAgent?: string | undefined;
  setJavaScriptEnabled?: boolean | undefined;
  /** Language of scripts and of `Accept-Language`. Default: the first language of an `Accept-Language` among `setExtraHTTPHeaders`, or en-US */
  locale?: string | undefined;
  /** Time zone of scripts; default: the worker’s */
  timezone?: string | undefined;
  /** Style sheets that are added, in this order, to the loaded document; each has `content` or a `url` */
  addStyleTag?: StyleTag[] | undefined;
  /** Scripts that run, in this order, in the loaded document, after `addStyleTag` and before the waits; each has `content` or a `url` */
  addScriptTag?: ScriptTag[] | undefined;
  /** Waits, after `waitForSelector`, until this is true in the document. One that throws is not true yet, unless it is `strict` */
  waitForFunction?: WaitForFunction | undefined;
  /** What the document does not load; `document` is what it has in frames. `xhr`, `fetch` and `eventsource` are one. The document itself is always loaded, and what is rejected is no failed resource */
  rejectResourceTypes?:
    | (
        | 'document'
        | 'stylesheet'
        | 'image'
        | 'media'
        | 'texttrack'
        | 'font'
        | 'script'
        | 'xhr'
        | 'fetch'
        | 'eventsource'
        | 'ping'
      )[]
    | undefined;
  /** URLs that the document does not load: `*` stands for any characters, all others for themselves, and the whole URL is compared (no regular expression). The document itself is always loaded */
  rejectRequestPattern?: string[] | undefined;
  /** HTTP authentication for the origin of `url`, when it asks; sent to no other */
  authenticate?: Credentials | undefined;
  /** If loading or a wait takes too long, print what is there. `incomplete` of the job says so. Loading and waits end then a quarter of `timeoutMs` (at most 10 s) before its end */
  bestAttempt?: boolean | undefined;
  /** What media queries of the document find, such as `prefers-color-scheme` */
  emulateMediaFeatures?: MediaFeature[] | undefined;
  /** Fail the job if a script of the document logs an error to the console or throws what nothing catches; `exceptions`: only if it throws */
  failOnConsoleError?: boolean | 'exceptions' | undefined;
  /** One page, as wide as the paper and as high as the content, up to 200 inches. With `landscape` it is as wide as the content, if that is wider. Page breaks and `@page` sizes do not count */
  singlePage?: boolean | undefined;
  /** Fail the job if the main document has a status of 400 or more, or with a list: one of these, which may be numbers and ranges such as `4xx` and `500-599` */
  failOnStatus?: boolean | (number | string)[] | undefined;
  /** Fail the job if a subresource cannot be loaded, or with an object: if one fails as that says. The error lists them */
  failOnResourceError?: boolean | FailingResources | undefined;
}

export interface PdfOptions {
  /** Size of the paper, unless `width` and `height` are set; with markdown A4 if not given */
  format?:
    | 'Letter'
    | 'Legal'
    | 'Tabloid'
    | 'Ledger'
    | 'A0'
    | 'A1'
    | 'A2'
    | 'A3'
    | 'A4'
    | 'A5'
    | 'A6'
    | 'letter'
    | 'legal'
    | 'tabloid'
    | 'ledger'
    | 'a0'
    | 'a1'
    | 'a2'
    | 'a3'
    | 'a4'
    | 'a5'
    | 'a6'
    | undefined;
  /** Pixels, or a number with `px`, `in`, `cm` or `mm` */
  width?: number | string | undefined;
  /** Pixels, or a number with `px`, `in`, `cm` or `mm` */
  height?: number | string | undefined;
  margin?: Margin | undefined;
  /** Landscape paper; a size from `@page` with `preferCSSPageSize` has precedence */
  landscape?: boolean | undefined;
  scale?: number | undefined;
  printBackground?: boolean | undefined;
  displayHeaderFooter?: boolean | undefined;
  /** HTML; elements of class `date`, `title`, `url`, `pageNumber`, `totalPages` are filled in (`url` not with `html`). Without one, or with an empty one, that margin stays empty */
  headerTemplate?: string | undefined;
  /** HTML; elements of class `date`, `title`, `url`, `pageNumber`, `totalPages` are filled in (`url` not with `html`). Without one, or with an empty one, that margin stays empty */
  footerTemplate?: string | undefined;
  /** All pages if empty */
  pageRanges?: string | undefined;
  preferCSSPageSize?: boolean | undefined;
  omitBackground?: boolean | undefined;
  /** Accessible structure; files grow, up to 16 times for large tables */
  tagged?: boolean | undefined;
  /** Bookmarks from the headings */
  outline?: boolean | undefined;
}

/** null means absent, except for values of `metadata` */
export interface PdfRequest {
  /** The document itself */
  html?: string | undefined;
  /** Where the document is: http or https, without user name and password */
  url?: string | undefined;
  /** The document itself, in GitHub’s dialect */
  markdown?: string | undefined;
  /** One of your templates: its newest version, or the one after `@`. `data` is what it prints */
  template?: string | undefined;
  pdf?: PdfSource | undefined;
  /** Files by their paths: the id of an asset (`PUT /v1/assets`), or the file itself as `{"text": "…"}` or `{"base64": "…"}`. The document finds them by relative and by root-relative paths. Without another source, one of them is the document: `index.html` or `index.md` */
  files?: Record<string, FileInput> | undefined;
  /** What a template prints: an object of any JSON */
  data?: Record<string, unknown> | undefined;
  /** Sources that are printed and merged, in this order. `files` are there for each of them */
  parts?: Part[] | undefined;
  /** For `markdown` and `index.md` */
  markdownOptions?: MarkdownOptions | undefined;
  options?: PdfOptions | undefined;
  gotoOptions?: GotoOptions | undefined;
  waitForSelector?: WaitForSelector | undefined;
  /** Milliseconds to wait before printing */
  waitForTimeout?: number | undefined;
  emulateMediaType?: 'screen' | 'print' | undefined;
  viewport?: Viewport | undefined;
  cookies?: Cookie[] | undefined;
  /** Sent with requests to the origins of `extraHTTPHeadersTo`, and to no others. One with `urls` is sent with requests whose URL fits this pattern instead, or one of a list, as in `rejectRequestPattern`; with `hosts`: to these hosts and their subdomains */
  setExtraHTTPHeaders?: Record<string, string | BoundHeader> | undefined;
  /** The origins that `setExtraHTTPHeaders` are sent to: `origin` (the default): scheme, host and port of `url`, and none with `html`; `all`: every origin; a list: these origins */
  extraHTTPHeadersTo?: 'origin' | 'all' | string[] | undefined;
  userAgent?: string | undefined;
  setJavaScriptEnabled?: boolean | undefined;
  /** Language of scripts and of `Accept-Language`. Default: the first language of an `Accept-Language` among `setExtraHTTPHeaders`, or en-US */
  locale?: string | undefined;
  /** Time zone of scripts; default: the worker’s */
  timezone?: string | undefined;
  /** Style sheets that are added, in this order, to the loaded document; each has `content` or a `url` */
  addStyleTag?: StyleTag[] | undefined;
  /** Scripts that run, in this order, in the loaded document, after `addStyleTag` and before the waits; each has `content` or a `url` */
  addScriptTag?: ScriptTag[] | undefined;
  /** Waits, after `waitForSelector`, until this is true in the document. One that throws is not true yet, unless it is `strict` */
  waitForFunction?: WaitForFunction | undefined;
  /** What the document does not load; `document` is what it has in frames. `xhr`, `fetch` and `eventsource` are one. The document itself is always loaded, and what is rejected is no failed resource */
  rejectResourceTypes?:
    | (
        | 'document'
        | 'stylesheet'
        | 'image'
        | 'media'
        | 'texttrack'
        | 'font'
        | 'script'
        | 'xhr'
        | 'fetch'
        | 'eventsource'
        | 'ping'
      )[]
    | undefined;
  /** URLs that the document does not load: `*` stands for any characters, all others for themselves, and the whole URL is compared (no regular expression). The document itself is always loaded */
  rejectRequestPattern?: string[] | undefined;
  /** HTTP authentication for the origin of `url`, when it asks; sent to no other */
  authenticate?: Credentials | undefined;
  /** If loading or a wait takes too long, print what is there. `incomplete` of the job says so. Loading and waits end then a quarter of `timeoutMs` (at most 10 s) before its end */
  bestAttempt?: boolean | undefined;
  /** What media queries of the document find, such as `prefers-color-scheme` */
  emulateMediaFeatures?: MediaFeature[] | undefined;
  /** Fail the job if a script of the document logs an error to the console or throws what nothing catches; `exceptions`: only if it throws */
  failOnConsoleError?: boolean | 'exceptions' | undefined;
  /** One page, as wide as the paper and as high as the content, up to 200 inches. With `landscape` it is as wide as the content, if that is wider. Page breaks and `@page` sizes do not count */
  singlePage?: boolean | undefined;
  /** Fail the job if the main document has a status of 400 or more, or with a list: one of these, which may be numbers and ranges such as `4xx` and `500-599` */
  failOnStatus?: boolean | (number | string)[] | undefined;
  /** Fail the job if a subresource cannot be loaded, or with an object: if one fails as that says. The error lists them */
  failOnResourceError?: boolean | FailingResources | undefined;
  finishing?: Finishing | undefined;
  split?: Split | undefined;
  output?: OutputSettings | undefined;
  filename?: string | undefined;
  /** Your own data, stored with the job and returned with it */
  metadata?: Record<string, string | number | boolean | null> | undefined;
  /** Milliseconds for the whole rendering */
  timeoutMs?: number | undefined;
  /** Default: your tier's, which cannot be exceeded */
  priority?: Priority | undefined;
  /** Where the end of the job is reported: a URL, or the id of a registered endpoint */
  webhook?: string | undefined;
  /** Where the file is sent, such as a presigned URL of a bucket. Several files are sent as one zip */
  upload?:
    | string
    | {
        url: string;
        headers?: Record<string, string> | undefined;
        /** Default: PUT */
        method?: 'PUT' | 'POST' | 'PATCH' | undefined;
        /** Of a header `Content-Disposition`, with the name of the file; default: there is none */
        disposition?: 'attachment' | 'inline' | undefined;
        /** What is sent elsewhere when the upload has ended */
        reports?: UploadReport[] | undefined;
      }
    | undefined;
  /** When it is printed: the job is accepted now, is `scheduled` until then, and `queued` from then on. Up to 365 days ahead; not with `POST /v1/pdf` */
  runAt?: string | undefined;
  /** Seconds that the files of the job are kept, from its end; default: as your limits, your tier or the service says. The service has a longest time (`PDF_RETENTION_MAX`) */
  retention?: number | undefined;
}

/** The field `request` is the JSON, by default `{}`. Every other part is a file: its filename is its path if that has folders, or if the part is named `file` or `files`; otherwise the name of the part is. A `.zip` counts as its files, without the one folder that all are in */
export interface PdfRequestForm {
  request?: PdfRequest | undefined;
  files?: string[] | undefined;
  [name: string]: unknown;
}

/** A PDF that is there already; it is not printed */
export interface PdfSource {
  /** The first file of one of your completed jobs */
  job?: string | undefined;
  /** One of the `files` */
  file?: string | undefined;
  /** Opens it */
  password?: string | undefined;
}

/** And the print settings of a request, over those of template.json */
export interface Preview {
  /** All files of the draft; default: those of the newest version */
  files?: Record<string, FileInput> | undefined;
  /** Default: `data.json` among the files */
  data?: unknown;
  [name: string]: unknown;
}

/** The field `request` is the JSON, by default `{}`. Every other part is a file: its filename is its path if that has folders, or if the part is named `file` or `files`; otherwise the name of the part is. A `.zip` counts as its files, without the one folder that all are in */
export interface PreviewForm {
  request?: Preview | undefined;
  files?: string[] | undefined;
  [name: string]: unknown;
}

export type Priority = 'low' | 'medium' | 'high' | 'critical';

/** An error (RFC 9457) */
export interface Problem {
  /** Where the error is explained */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  requestId: string;
  errors?: FieldProblem[] | undefined;
}

export interface Replay {
  /** Deliveries that failed since then are sent again */
  since: string;
}

export interface Replayed {
  /** How many will be sent */
  replayed: number;
  /** Whether there may be more: send the request again */
  more: boolean;
}

export interface Schedule {
  name: string;
  cron: string;
  timezone: string;
  missed: 'run' | 'skip';
  paused: boolean;
  /** null: it is paused, or there is none to come */
  nextAt: string | null;
  lastRun: ScheduleRun | null;
  createdAt: string;
  updatedAt: string;
}

export interface SchedulePage {
  data: Schedule[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

export interface ScheduleRun {
  plannedAt: string;
  /** By `POST /v1/schedules/{name}/run`, not by the clock */
  asked: boolean;
  /** `submitted`: there is a job; `waiting`: the minute’s limit was reached, and it is tried again for an hour; `refused`: for good; `skipped`: the time was missed */
  status: 'waiting' | 'submitted' | 'refused' | 'skipped';
  /** Of `skipped`: how many times, from `plannedAt` on; 1000 means 1,000 or more */
  skipped: number;
  /** null: there is none, or it is deleted */
  job: JobOfRun | null;
  /** Why it waits or is refused; `code` as that of a problem */
  error: JobError | null;
  startedAt: string;
}

export interface ScheduleRunPage {
  data: ScheduleRun[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

export interface ScheduleSettings {
  /** Minute, hour, day of the month, month, day of the week; or `@monthly`, `@daily`, … */
  cron: string;
  /** On whose clocks: a name of the IANA database */
  timezone: string;
  /** As the body of `POST /v1/jobs`. What it refers to is looked up at each run: a template without a version is the newest one */
  request: Record<string, unknown>;
  /** Times at which no process of the service was there: the newest of them is run late, or none */
  missed?: 'run' | 'skip' | undefined;
  /** Times while it is paused are not missed */
  paused?: boolean | undefined;
}

export interface ScriptTag {
  content?: string | undefined;
  url?: string | undefined;
  /** Of the script element, such as `module` */
  type?: string | undefined;
  /** Of the script element */
  id?: string | undefined;
}

export interface SecretRotation {
  /** Seconds for which the old secret signs beside the new one; 0 ends it at once */
  expiresIn?: number | undefined;
}

export interface SentTest {
  /** Of the delivery */
  id: string;
}

export interface SigningSecret {
  /** `whsec_` and base64. Shown once */
  secret: string;
  /** Until then messages are signed with the secret before the last rotation too */
  previousSecretUntil: string | null;
}

export interface SkippedRow {
  row: number;
  field: string;
  message: string;
}

/** Several files: every so many pages, one that begins at each of these pages, or one for each of these ranges. With `parts` each part is a file, or is split so */
export interface Split {
  /** Parts are not merged: each is a file of its own */
  parts?: true | undefined;
  /** Pages of a file */
  every?: number | undefined;
  /** First pages of the files after the first */
  at?: number[] | undefined;
  /** Pages of each file; a page may be in several, or in none */
  ranges?: string[] | undefined;
}

export interface StyleTag {
  content?: string | undefined;
  url?: string | undefined;
}

export interface Template {
  name: string;
  version: number;
  description: string | null;
  createdAt: string;
  /** Print settings, under those of a request */
  request: Record<string, unknown>;
  /** By their paths; `id` is that of the asset */
  files: Record<string, Asset>;
}

export interface TemplateContent {
  /** The template's folder: one of index.html, index.liquid, index.md, and what it needs. */
  files: Record<string, FileInput>;
  /** For people; default: that of template.json */
  description?: string | undefined;
  /** Print settings, under those of a request: `options`, `locale`, …; default: those of template.json */
  request?: Record<string, unknown> | undefined;
}

/** The field `request` is the JSON, by default `{}`. Every other part is a file: its filename is its path if that has folders, or if the part is named `file` or `files`; otherwise the name of the part is. A `.zip` counts as its files, without the one folder that all are in */
export interface TemplateContentForm {
  request?: TemplateContent | undefined;
  files?: string[] | undefined;
  [name: string]: unknown;
}

export interface TemplateVersion {
  name: string;
  version: number;
  description: string | null;
  createdAt: string;
}

export interface TemplateVersionPage {
  data: TemplateVersion[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

/** Somebody tries whether an endpoint is reached */
export interface TestEvent {
  type: 'webhook.test';
  /** When it was sent */
  timestamp: string;
  /** Of this payload. Within a version members are only added */
  version: 1;
  data: {
    /** The endpoint that is tested */
    webhook: string;
  };
}

export interface Timings {
  queued: number;
  total: number;
  page?: number | undefined;
  load?: number | undefined;
  wait?: number | undefined;
  print?: number | undefined;
  finishing?: number | undefined;
}

export interface UploadReport {
  /** `failed`: there is no file, or it could not be delivered by any attempt */
  on: 'delivered' | 'failed';
  url: string;
  headers?: Record<string, string> | undefined;
  /** Default: POST */
  method?: 'PUT' | 'POST' | 'PATCH' | undefined;
  /** The JSON that is sent. In its texts `{status}`, `{code}`, `{message}`, `{job}`, `{timestamp}` are replaced; a text that is nothing else becomes a number or null if it stands for one. `{{` is a brace */
  body: Record<string, unknown>;
  /** What `{status}` is for an error, by its code, where it shall not be our own */
  statuses?: Record<string, number> | undefined;
  /** What your caller calls fields of this request, by their paths: for a `{message}` that begins with one */
  fields?: Record<string, string> | undefined;
}

export interface UploadState {
  status: DeliveryStatus;
  attempts: number;
  /** Why the last attempt failed */
  error: string | null;
}

export interface Usage {
  tier: string;
  /** The tier's limits; empty if it has none */
  limits: UsageOfLimit[];
  today: UsageOfDay;
  /** Days with completed jobs, newest first */
  history: UsageOfDay[];
}

export interface UsageOfDay {
  /** In UTC */
  day: string;
  /** Completed jobs; these are charged */
  completed: number;
  pages: number;
  bytes: number;
}

export interface UsageOfLimit {
  name: 'minute' | 'day';
  /** Requests in any 60 seconds, or in a UTC day */
  limit: number;
  used: number;
  remaining: number;
  /** Seconds until `remaining` rises */
  resetSeconds: number;
}

export interface Viewport {
  width: number;
  height: number;
  deviceScaleFactor?: number | undefined;
  isMobile?: boolean | undefined;
  isLandscape?: boolean | undefined;
  hasTouch?: boolean | undefined;
}

export interface WaitForFunction {
  /** An expression, or a function without parameters, which may be async */
  fn: string;
  /** Milliseconds between two tries; `raf` (the default) and `mutation` are every 50 ms */
  polling?: 'raf' | 'mutation' | number | undefined;
  /** Milliseconds; default and with 0: 30000 */
  timeout?: number | undefined;
  /** Fail at once if it throws, or if it is anything but true or false, such as undefined */
  strict?: boolean | undefined;
}

export interface WaitForSelector {
  selector: string;
  timeout?: number | undefined;
  visible?: boolean | undefined;
  hidden?: boolean | undefined;
}

export interface Webhook {
  id: string;
  url: string;
  description: string | null;
  /** Of all your jobs and batches */
  events: EventType[];
  /** Of the payload */
  version: 1;
  enabled: boolean;
  disabledAt: string | null;
  /** `gone`: it answered 410; `failing`: it failed for three days; `asked`: you turned it off */
  disabledReason: 'gone' | 'failing' | 'asked' | null;
  createdAt: string;
  /** The last success */
  deliveredAt: string | null;
  /** The first failure since the last success */
  failingSince: string | null;
  /** Until then messages are signed with the secret before the last rotation too */
  previousSecretUntil: string | null;
}

export interface WebhookPage {
  data: Webhook[];
  /** `cursor` of the next page; null: that was all */
  nextCursor: string | null;
}

export interface WebhookSettings {
  /** http or https */
  url: string;
  /** Of all your jobs and batches. `[]`: only of those that name it in their `webhook` */
  events?: EventType[] | undefined;
  description?: string | undefined;
  /** Of the payload */
  version?: 1 | undefined;
  /** `false`: nothing is sent; `true`: it is on again, whatever turned it off */
  enabled?: boolean | undefined;
}

export interface WebhookWithSecret {
  id: string;
  url: string;
  description: string | null;
  /** Of all your jobs and batches */
  events: EventType[];
  /** Of the payload */
  version: 1;
  enabled: boolean;
  disabledAt: string | null;
  /** `gone`: it answered 410; `failing`: it failed for three days; `asked`: you turned it off */
  disabledReason: 'gone' | 'failing' | 'asked' | null;
  createdAt: string;
  /** The last success */
  deliveredAt: string | null;
  /** The first failure since the last success */
  failingSince: string | null;
  /** Until then messages are signed with the secret before the last rotation too */
  previousSecretUntil: string | null;
  /** `whsec_` and base64. Shown once */
  secret: string;
}

export interface WholeSchedule {
  name: string;
  cron: string;
  timezone: string;
  missed: 'run' | 'skip';
  paused: boolean;
  /** null: it is paused, or there is none to come */
  nextAt: string | null;
  lastRun: ScheduleRun | null;
  createdAt: string;
  updatedAt: string;
  /** The times to come, at most five */
  nextTimes: string[];
  /** null for a key without `jobs:write`: it may hold credentials */
  request: Record<string, unknown> | null;
}
