/** Examples of bodies, by their names in the document. test/unit/openapi-document.test.ts checks that each is valid. */
export type Examples = Record<string, { summary: string; value: unknown }>;

export const PDF_EXAMPLES: Examples = {
  html: { summary: 'HTML', value: { html: '<h1>Hello</h1>', options: { format: 'A4', margin: { top: '20mm' } } } },
  url: {
    summary: 'A page on the web, waited for',
    value: { url: 'https://example.com/report', waitForSelector: { selector: '#chart' }, priority: 'high' },
  },
  template: {
    summary: 'A template with data',
    value: { template: 'invoice@7', data: { number: '2026-0042', total: 119 }, filename: 'invoice.pdf' },
  },
  files: {
    summary: 'A document with files of its own',
    value: {
      html: '<link rel="stylesheet" href="style.css"><h1>Hello</h1>',
      files: { 'style.css': { text: 'h1 { color: teal }' } },
    },
  },
  merge: {
    summary: 'Several parts, merged and finished',
    value: {
      parts: [{ html: '<h1>Cover</h1>' }, { url: 'https://example.com/terms' }],
      finishing: { properties: { title: 'Offer' }, overlay: [{ text: 'DRAFT', opacity: 0.2 }] },
    },
  },
  picture: { summary: 'A picture of the page', value: { html: '<h1>Hello</h1>', output: 'png' } },
};

export const BATCH_EXAMPLES: Examples = {
  rows: {
    summary: 'A template, once for each row',
    value: {
      request: { template: 'invoice', filename: 'invoice-{data.number}.pdf' },
      items: [{ data: { number: 1 } }, { data: { number: 2 } }],
      result: 'zip',
    },
  },
};

export const TEMPLATE_EXAMPLES: Examples = {
  inline: {
    summary: 'A template of one file',
    value: { files: { 'index.html': { text: '<h1>Invoice {{ number }}</h1>' } }, request: { options: { format: 'A4' } } },
  },
}; // prettier-ignore

export const WEBHOOK_EXAMPLES: Examples = {
  failures: {
    summary: 'Only what failed',
    value: { url: 'https://app.example.com/hooks/pdf', events: ['job.failed'] },
  },
};

export const SCHEDULE_EXAMPLES: Examples = {
  weekly: {
    summary: 'Every Monday at eight',
    value: { cron: '0 8 * * 1', timezone: 'Europe/Berlin', request: { url: 'https://example.com/report' } },
  },
};

/** A job that is completed. */
export const JOB_EXAMPLE = {
  id: '0198c6f2-7c1e-7a6b-9d55-3f0c1c2b4a10',
  status: 'completed',
  priority: 'medium',
  attempts: 1,
  createdAt: '2026-01-31T08:00:00.000Z',
  runAt: null,
  startedAt: '2026-01-31T08:00:00.012Z',
  completedAt: '2026-01-31T08:00:00.310Z',
  queuePosition: null,
  paused: false,
  timings: { queued: 12, total: 298, page: 3, load: 41, wait: 0, print: 230 },
  error: null,
  file: {
    id: '0198c6f2-7d40-7f1e-8a11-5a9d0e7c6b20',
    size: 18_432,
    pages: 1,
    type: 'application/pdf',
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    url: '/v1/jobs/0198c6f2-7c1e-7a6b-9d55-3f0c1c2b4a10/pdf',
    expiresAt: '2026-02-01T08:00:00.310Z',
    name: null,
    part: null,
  },
  failedResources: [],
  failedResourceCount: 0,
  missingFonts: [],
  incomplete: [],
  metadata: { customer: 4711 },
  templates: [],
  upload: null,
  batch: null,
  retryOf: null,
} as const;

/** A request with a field that is wrong. */
export const PROBLEM_EXAMPLE = {
  type: '/docs#invalid_request',
  title: 'The request is not valid',
  status: 400,
  detail: 'options.scale: allowed: 0.1 to 2',
  code: 'invalid_request',
  requestId: '0198c6f2-7c1e-7a6b-9d55-3f0c1c2b4a10',
  errors: [{ field: 'options.scale', message: 'allowed: 0.1 to 2' }],
} as const;
