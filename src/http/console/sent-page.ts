import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { SentDocument, SentPart } from '../../jobs/sent-document.ts';
import { bytes, count, counted, type Html } from './figures.ts';
import { layout } from './layout.ts';

/** Of a text; all of it can be downloaded. */
const MAX_CHARACTERS = 200_000;
const MAX_LINES = 3_000;
/** Parts that are shown with their documents, so that a page has an end. */
const MAX_PARTS = 20;

const NAMES: Record<string, string> = {
  html: 'HTML',
  url: 'Address',
  markdown: 'Markdown',
  template: 'Template and data',
  pdf: 'PDF',
  files: 'Files',
  result: 'What becomes of the parts',
  request: 'Request',
};

/** What was sent for a job. A document is shown as text, and never as a page. */
export function sentPage(session: ConsoleSession, jobId: string, { settings, parts }: SentDocument): Html {
  const isOne = parts.filter(({ kind }) => kind !== 'result').length === 1;
  return layout({
    title: `Sent for job ${jobId}`,
    session,
    at: 'jobs',
    search: jobId,
    main: html`<div class="head">
        <h1>Sent for job <a class="id" href="/console/jobs/${jobId}">${jobId}</a></h1>
      </div>
      <p class="hint">
        Values of cookies and headers, passwords, and queries of addresses are hidden. That you looked is in the audit
        log.
      </p>
      ${parts.length === 0 && html`<p class="empty">The document is no longer kept.</p>`}
      ${parts.slice(0, MAX_PARTS).map((part) => partSection(jobId, part, isOne))}
      ${parts.length > MAX_PARTS && html`<p class="hint">And ${counted(parts.length - MAX_PARTS, 'part')} more.</p>`}
      ${json('settings', 'How it is printed', settings)}`,
  });
}

function partSection(jobId: string, { position, kind, text, type, settings, files }: SentPart, isOne: boolean): Html {
  const id = `part-${position}`;
  const path = `/console/jobs/${jobId}/sent/${position}`;
  const name = NAMES[kind] ?? kind;
  return html`<section aria-labelledby="${id}">
    <div class="head">
      <h2 id="${id}">${isOne || kind === 'result' ? name : `Part ${position + 1}: ${name}`}</h2>
      ${
        text !== undefined &&
        html`<p class="hint">${bytes(Buffer.byteLength(text))}</p>
          <a class="button" href="${path}/text" download="part-${position + 1}.${type}">Download</a>`
      }
    </div>
    ${text !== undefined && numbered(`${id}-text`, name, text)} ${filesList(path, id, files)}
    ${json(`${id}-settings`, 'Settings of its own', settings)}
  </section>`;
}

function numbered(id: string, name: string, text: string): Html {
  const lines = text.slice(0, MAX_CHARACTERS).split(/\r\n|\r|\n/);
  const isCut = text.length > MAX_CHARACTERS || lines.length > MAX_LINES;
  return html`<div class="scroll tall" id="${id}" tabindex="0" role="region" aria-label="${name}, line by line">
      <ol class="lines">
        ${lines.slice(0, MAX_LINES).map((line) => html`<li><code>${line}</code></li>`)}
      </ol>
    </div>
    ${isCut && html`<p class="hint">It is longer; the download has all of it.</p>`}`;
}

function filesList(path: string, id: string, files: SentPart['files']): Html {
  if (files.length === 0) return html``;
  return html`<h3 id="${id}-files">${counted(files.length, 'file')}</h3>
    <ul class="failed" aria-labelledby="${id}-files">
      ${files.map(
        ({ name, size, type }, index) =>
          html`<li>
            <a href="${path}/files/${index}"><code>${name}</code></a> ${type}, ${bytes(size)}
          </li>`,
      )}
    </ul>`;
}

function json(id: string, heading: string, value: Record<string, unknown>): Html {
  const members = Object.keys(value).length;
  if (members === 0) return html``;
  return html`<details class="numbers" id="${id}">
    <summary>${heading} (${count(members)})</summary>
    <pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>
  </details>`;
}
