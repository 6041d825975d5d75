import { html, raw } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Html } from '../console/figures.ts';
import { layout } from '../console/layout.ts';
import { STUDIO } from '../console/session.ts';
import { studioAsset } from './assets.ts';
import { editorModules } from './editor-modules.ts';

interface Workbench {
  /** of the template */
  name: string;
  /** whether it was saved once */
  isSaved: boolean;
  /** allows the style sheets that the editor makes */
  nonce: string;
}

/** Files, editor and PDF of one template. The script fetches the files, and works without the editor too. */
export function workbenchPage(session: ConsoleSession, { name, isSaved, nonce }: Workbench): Html {
  return layout({
    title: name,
    place: STUDIO,
    session,
    at: 'studio',
    kind: 'workbench',
    head: html`<link rel="stylesheet" href="${studioAsset('studio.css')}" />
      ${importMap()}
      <script type="module" src="${studioAsset('workbench.js')}"></script>`,
    main: html`<noscript
        ><p class="message">
          The studio needs JavaScript. Without it: <code>pdfprompt templates push DIR</code>.
        </p></noscript
      >
      <div class="tools" id="bench" data-name="${name}" data-nonce="${nonce}" ${isSaved && html` data-saved`}>
        <h1>${name} <span id="version" class="dim"></span></h1>
        <p id="state" class="state" role="status"></p>
        <div class="buttons" role="group" aria-label="Actions">
          <button id="save" type="button" class="main" aria-keyshortcuts="Control+S Meta+S">Save</button>
          <button id="print" type="button" aria-keyshortcuts="Control+Enter Meta+Enter">Print</button>
          <button id="versions" type="button" aria-haspopup="dialog">Versions</button>
          <button id="copy" type="button" aria-haspopup="dialog">Use it</button>
          <button id="delete" type="button" class="danger" aria-haspopup="dialog">Delete</button>
        </div>
      </div>
      <div class="views" role="group" aria-label="Shown">
        <button type="button" data-view="source" aria-pressed="true">Source</button>
        <button type="button" data-view="pdf" aria-pressed="false">PDF</button>
      </div>
      <div class="panes" data-shown="source">
        ${filesPane()}
        <section class="source" aria-labelledby="file">
          <div class="file-head">
            <h2 id="file"></h2>
            <div class="buttons">
              <button id="rename" type="button" class="plain">Rename</button>
              <button id="remove" type="button" class="plain">Remove</button>
            </div>
          </div>
          <div id="editor"></div>
          <p id="binary" class="empty" hidden></p>
          <p class="hint keys" id="keys">
            <kbd>Esc</kbd> then <kbd>Tab</kbd> leaves the editor · <kbd>Ctrl</kbd> <kbd>S</kbd> saves · <kbd>Ctrl</kbd>
            <kbd>Enter</kbd> prints
          </p>
          <div id="problem" class="problem" role="status" aria-live="polite"></div>
        </section>
        <section class="result" aria-labelledby="pdf">
          <div class="file-head">
            <h2 id="pdf">PDF</h2>
            <p id="result-state" class="hint"></p>
            <a id="open" class="button plain" target="_blank" rel="noopener" hidden>Open</a>
          </div>
          <div id="frames"></div>
        </section>
      </div>
      <dialog id="dialog" aria-labelledby="dialog-title"></dialog>`,
  });
}

/** Its hash is in the page's policy, so nothing may be added to it. */
const importMap = () => raw(`<script type="importmap">${editorModules().importMap}</script>`);

function filesPane(): Html {
  return html`<section class="files" aria-labelledby="files-title">
    <div class="file-head">
      <h2 id="files-title">Files</h2>
      <div class="buttons">
        <button id="add" type="button" class="plain" aria-haspopup="dialog">New</button>
        <button id="upload" type="button" class="plain">Upload</button>
        <input id="upload-input" type="file" multiple hidden />
      </div>
    </div>
    <ul id="files"></ul>
    <details class="options" id="page">
      <summary>Page</summary>
      <form id="options" autocomplete="off">
        <p>
          <label for="format">Format</label>
          <select id="format" aria-describedby="page-hint">
            <option value="">from @page</option>
            <option value="a3">A3</option>
            <option value="a4">A4</option>
            <option value="a5">A5</option>
            <option value="letter">Letter</option>
            <option value="legal">Legal</option>
          </select>
        </p>
        <p id="page-hint" class="hint" hidden>
          <code>@page</code> in the CSS says the size, how the page lies, and its margins.
        </p>
        <p class="check">
          <input id="landscape" type="checkbox" />
          <label for="landscape">Landscape</label>
        </p>
        <p>
          <label for="margin">Margins</label>
          <input
            id="margin"
            placeholder="from @page"
            title="One length such as 20mm, or four: top right bottom left"
            spellcheck="false"
          />
        </p>
        <p>
          <label for="locale">Locale</label>
          <input id="locale" placeholder="de-AT" spellcheck="false" autocapitalize="none" />
        </p>
        <p class="above">
          <label for="timezone">Time zone</label>
          <input id="timezone" placeholder="Europe/Vienna" spellcheck="false" autocapitalize="none" />
        </p>
      </form>
    </details>
  </section>`;
}
