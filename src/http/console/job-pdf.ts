import { html } from 'hono/html';
import type { JobFile } from '../../domain/job.ts';
import { type FileType, HTML_TYPE, PDF_TYPE } from '../../domain/media-type.ts';
import { resultName } from '../../domain/result-name.ts';
import type { Permissions } from '../../domain/scope.ts';
import type { JobTimeline } from '../../jobs/job-timeline.ts';
import { bytes, counted, type Html, instant } from './figures.ts';
import { needsDocuments } from './job-reason.ts';

/** Files that are shown. */
const MAX_THUMBS = 12;

/** What a job has made: its files for those who may see documents, and how to delete them. */
export function pdfSection({ id, file, filename }: JobTimeline, files: readonly JobFile[], may: Permissions): Html {
  if (!file) return html``;
  if (file.expiredAt)
    return html`<section aria-labelledby="pdf">
      <h2 id="pdf">PDF</h2>
      <p class="empty">No longer kept, since ${instant(file.expiredAt)}.</p>
    </section>`;
  if (!may.seeDocuments)
    return html`<section aria-labelledby="pdf">
      <div class="head">
        <h2 id="pdf">PDF</h2>
        <p class="hint">${counted(file.pages, 'page')}, ${bytes(file.size)}, kept until ${instant(file.expiresAt)}</p>
      </div>
      <p class="hint">It is a document: ${needsDocuments}</p>
      ${may.operate && deleteForm(id)}
    </section>`;
  const path = `/console/jobs/${id}/pdf`;
  const name = filename ?? id;
  const shown =
    file.type === PDF_TYPE
      ? html`<iframe class="pdf" src="${path}?disposition=inline" title="The PDF ${name}" loading="lazy"></iframe>`
      : file.type === HTML_TYPE
        ? html`<p class="hint">It is the HTML of a page: it can be downloaded only.</p>`
        : isPicture(file.type) &&
          html`<img class="picture" src="${path}?disposition=inline" alt="The picture ${name}" loading="lazy" />`;
  return html`<section aria-labelledby="pdf">
    <div class="head">
      <h2 id="pdf">PDF</h2>
      <p class="hint">${counted(file.pages, 'page')}, ${bytes(file.size)}, kept until ${instant(file.expiresAt)}</p>
      <a class="button" href="${path}?disposition=attachment">Download</a>
    </div>
    ${file.type !== HTML_TYPE && thumbs({ id, filename }, files)} ${shown}
    <p class="hint">
      If your browser shows nothing here, <a href="${path}?disposition=inline">open it by itself</a>. SHA-256
      <code class="hash">${file.sha256}</code>
    </p>
    ${may.operate && deleteForm(id)}
  </section>`;
}

/** In two steps, as there is no way back. */
const deleteForm = (id: string) =>
  html`<details class="numbers" id="delete-pdf">
    <summary>Delete its PDF</summary>
    <form class="actions" action="/console/jobs/${id}/delete-pdf" method="post">
      <button class="danger" type="submit">Delete all its files now</button
      ><span class="hint">Its links stop. The job stays, and answers that its PDF is no longer kept.</span>
    </form>
  </details>`;

const isPicture = (type: FileType) => type.startsWith('image/');

/** A small picture of each file, which leads to it. A file without one keeps the link. */
function thumbs({ id, filename }: Pick<JobTimeline, 'id' | 'filename'>, files: readonly JobFile[]): Html {
  const thumb = ({ type, name: own }: JobFile, position: number) => {
    const path = `/console/jobs/${id}/files/${position}`;
    const name = own ?? resultName(filename ?? id, { position, type });
    const [source, alt] =
      type === PDF_TYPE
        ? [`${path}/thumbnail`, `First page of ${name}`]
        : [`${path}?disposition=inline`, `The picture ${name}`];
    return html`<li>
      <a class="thumb" href="${path}?disposition=inline">
        ${(type === PDF_TYPE || isPicture(type)) && html`<img src="${source}" alt="${alt}" width="144" height="204" loading="lazy" />`}<span
          >${name}</span
        ></a
      >
    </li>`;
  };
  const more = files.length - MAX_THUMBS;
  return html`<ul class="thumbs">
      ${files.slice(0, MAX_THUMBS).map(thumb)}
    </ul>
    ${more > 0 && html`<p class="hint">And ${counted(more, 'file')} more.</p>`}`;
}
