import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Html } from '../console/figures.ts';
import { layout } from '../console/layout.ts';
import { STUDIO } from '../console/session.ts';
import { studioAsset } from './assets.ts';

/** The user's templates; the script fetches them. */
export function templatesPage(session: ConsoleSession): Html {
  return layout({
    title: 'Templates',
    place: STUDIO,
    session,
    at: 'studio',
    head: html`<link rel="stylesheet" href="${studioAsset('studio.css')}" />
      <script type="module" src="${studioAsset('templates.js')}"></script>`,
    main: html`<div class="head">
        <h1>Templates</h1>
        <p class="hint">HTML, CSS and data make a document. Every save is a version that never changes.</p>
      </div>
      <noscript
        ><p class="message">
          The studio needs JavaScript. Without it: <code>pdfprompt templates push DIR</code>.
        </p></noscript
      >
      <p id="status" class="message message-refused" role="alert" hidden></p>
      <form id="new" class="new" autocomplete="off">
        <p>
          <label for="name">New template</label>
          <input
            id="name"
            name="name"
            required
            maxlength="100"
            pattern="[a-z0-9][a-z0-9._\\-]*"
            placeholder="invoice"
            spellcheck="false"
            autocapitalize="none"
            title="Lower-case letters, digits, . _ and -; the first is a letter or a digit"
            aria-describedby="name-hint"
          />
        </p>
        ${starterField()}
        <button type="submit">Create</button>
        <p id="name-hint" class="hint">Lower-case letters, digits, <code>.</code> <code>_</code> <code>-</code></p>
      </form>
      <section aria-labelledby="yours">
        <h2 id="yours">Yours</h2>
        <div id="list" aria-live="polite" aria-busy="true"><p class="empty">Loading…</p></div>
      </section>`,
  });
}

/** At the address of a template that is not there. */
export function missingTemplatePage(session: ConsoleSession, name: string): Html {
  const title = `There is no template ${name}`;
  return layout({
    title,
    place: STUDIO,
    session,
    at: 'studio',
    head: html`<link rel="stylesheet" href="${studioAsset('studio.css')}" />`,
    main: html`<h1>${title}</h1>
      <form class="new" method="get" autocomplete="off">
        ${starterField()}
        <button type="submit">Create</button>
      </form>
      <p class="hint"><a href="${STUDIO.path}">Back to your templates</a></p>`,
  });
}

const starterField = () =>
  html`<p>
    <label for="starter">Begins with</label>
    <select id="starter" name="starter">
      <option value="invoice">an invoice</option>
      <option value="letter">a letter in markdown</option>
      <option value="blank">an empty page</option>
    </select>
  </p>`;
