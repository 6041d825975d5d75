import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { SCOPE_OF } from '../../domain/scope.ts';
import type { ListedTemplate } from '../../templates/search-templates.ts';
import type { Template, TemplateVersion } from '../../templates/template.ts';
import { bytes, count, fact, type Html, instantOf, tableHead } from './figures.ts';
import { layout } from './layout.ts';

export interface TemplateView {
  template: ListedTemplate;
  /** newest first */
  versions: readonly TemplateVersion[];
  /** the version that is looked at; undefined: all are deleted */
  shown: Template | undefined;
  /** jobs that named the shown version, as many at most as are counted */
  jobs: { count: number; isMore: boolean } | undefined;
  /** a file of it, if one is looked at; text undefined: it is none, or too large */
  file: { name: string; text: string | undefined } | undefined;
}

/** One template: its versions, what is in one, and which jobs used it. */
export function templatePage(session: ConsoleSession, view: TemplateView): Html {
  const { template, versions, shown, jobs } = view;
  const { id, name, userId, email } = template;
  const named = shown && `${name}@${shown.version}`;
  return layout({
    title: `Template ${name}`,
    session,
    at: 'templates',
    search: email,
    main: html`<div class="head">
        <h1>Template <span class="id">${named ?? name}</span></h1>
      </div>
      <dl class="facts">
        ${fact('User', html`<a id="user" href="/console/users/${userId}">${email}</a>`)}
        ${shown && fact('Saved', instantOf(shown.createdAt))} ${fact('Newest', `@${template.latest}`)}
        ${shown && fact('Jobs of this version', jobsLink(userId, `${name}@${shown.version}`, jobs))}
        ${shown && shown.description !== null && fact('Description', shown.description)}
      </dl>
      ${versionsSection(view, versions)} ${shown && filesSection(session, id, shown, view.file)}`,
  });
}

const jobsLink = (userId: string, name: string, jobs: TemplateView['jobs']) =>
  html`<a id="its-jobs" href="/console/jobs?user=${userId}&template=${encodeURIComponent(name)}"
    >${jobs ? `${count(jobs.count)}${jobs.isMore ? '+' : ''}` : 'show them'}</a
  >`;

function versionsSection({ template, shown }: TemplateView, versions: readonly TemplateVersion[]): Html {
  if (versions.length === 0) return html`<p class="empty">All its versions are deleted.</p>`;
  const row = ({ version, createdAt, description }: TemplateVersion) =>
    html`<tr>
      <th scope="row">
        <a
          id="version-${version}"
          href="/console/templates/${template.id}?version=${version}"
          ${version === shown?.version && html` aria-current="true"`}
          >@${version}</a
        >
      </th>
      <td>${instantOf(createdAt)}</td>
      <td class="reason">${description}</td>
    </tr>`;
  return html`<section aria-labelledby="versions">
    <h2 id="versions">Versions</h2>
    <table aria-labelledby="versions">
      ${tableHead('Version', 'Saved', 'Description')}
      <tbody>
        ${versions.map(row)}
      </tbody>
    </table>
  </section>`;
}

/** The names of files say little; what is in them is a document. */
function filesSection(session: ConsoleSession, id: string, shown: Template, file: TemplateView['file']): Html {
  const path = (name: string) => `/console/templates/${id}?version=${shown.version}&file=${encodeURIComponent(name)}`;
  const row = ([name, { size, type }]: [string, Template['files'][string]], index: number) =>
    html`<tr>
      <th scope="row" class="url">
        ${session.may.seeDocuments ? html`<a id="file-${index}" href="${path(name)}#source">${name}</a>` : name}
      </th>
      <td class="medium">${type}</td>
      <td class="number">${bytes(size)}</td>
    </tr>`;
  return html`<section aria-labelledby="files">
      <h2 id="files">Files</h2>
      <table aria-labelledby="files">
        ${tableHead('File', ['Type', 'medium'], ['Size', 'number'])}
        <tbody>
          ${Object.entries(shown.files).map(row)}
        </tbody>
      </table>
      ${!session.may.seeDocuments && html`<p class="hint">What is in them is shown with the scope <code>${SCOPE_OF.seeDocuments}</code>.</p>`}
    </section>
    ${file && sourceSection(file)}`;
}

/** As text: nothing of it is ever rendered here. */
function sourceSection({ name, text }: NonNullable<TemplateView['file']>): Html {
  const lines = text?.split('\n') ?? [];
  const width = String(lines.length).length;
  const shown = lines.map((line, index) => `${String(index + 1).padStart(width)}  ${line}`).join('\n');
  return html`<section aria-labelledby="source">
    <h2 id="source">${name}</h2>
    ${text === undefined ? html`<p class="empty">It is no text, or too large to be shown.</p>` : html`<pre tabindex="0">${shown}</pre>`}
  </section>`;
}
