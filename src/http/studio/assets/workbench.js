// The workbench: files of a template, an editor, and the PDF beside it.

import { deleteTemplate, getTemplate, pdfPath, previewTemplate, print, saveTemplate } from './api.js';
import { askToDelete } from './dialog.js';
import { Draft } from './draft.js';
import { connectFiles } from './file-actions.js';
import { showFiles } from './files-list.js';
import { readOptions, withOptions } from './page-options.js';
import { Preview } from './preview.js';
import { jsonProblem, placesOf } from './problems.js';
import { STARTERS } from './starters.js';
import { showUse } from './use-it.js';
import { filesOf, showVersions } from './versions.js';

const at = (id) => document.getElementById(id);
const { name, nonce, saved } = at('bench').dataset;
const draft = new Draft();
let current = '';
let editor;
/** @type {import('./problems.js').Place[]} */
let problems = [];

/** A screen reader reads what changes here, so the same text is not written again. */
const say = (text) => {
  if (at('state').textContent !== text) at('state').textContent = text;
};

const preview = new Preview(at('frames'), printChanges, (state) => {
  at('result-state').classList.toggle('busy', state.kind === 'busy');
  if (state.kind === 'busy') return;
  if (state.kind === 'failed') return showFailure(state.error);
  showProblems([]);
  const path = pdfPath(state.jobId, 'inline');
  at('result-state').textContent = `printed in ${Math.round(state.ms)} ms`;
  at('result-state').dataset.ms = String(Math.round(state.ms));
  at('result-state').dataset.job = state.jobId;
  at('open').href = path;
  at('open').hidden = false;
  preview.show(path, `The PDF of ${name}`);
});

/** What the service would refuse anyway. @returns {import('./problems.js').Place[]} */
const jsonProblems = () =>
  draft.paths
    .filter((path) => path.endsWith('.json') && draft.text(path) !== undefined)
    .map((path) => jsonProblem(path, draft.text(path)))
    .filter(Boolean);

const parsedData = () => JSON.parse(draft.text('data.json') ?? '{}');

/** For completion: nothing while it is not JSON. */
function sampleData() {
  try {
    return parsedData();
  } catch {
    return {};
  }
}

async function printChanges() {
  const found = jsonProblems();
  if (found.length > 0) {
    showProblems(found);
    return undefined;
  }
  return previewTemplate(name, { files: draft.sent });
}

function showFailure(error) {
  if (error.status === 401)
    return showProblems([
      { message: 'You are signed out. Sign in again in another tab; what you wrote is still here.' },
    ]);
  if (error instanceof TypeError) return showProblems([{ message: 'The service cannot be reached.' }]);
  if (error.retryAfterSeconds > 0)
    return showProblems([{ message: `${error.message}. It is printed again by itself.` }]);
  showProblems(placesOf(error, draft.text('data.json')));
}

function showProblems(places) {
  const areNew = JSON.stringify(places) !== JSON.stringify(problems);
  problems = places;
  at('result-state').classList.remove('busy');
  if (places.length > 0) at('result-state').textContent = 'not printed';
  at('frames').classList.toggle('stale', places.length > 0);
  if (areNew) at('problem').replaceChildren(...problemLines(places));
  markProblems();
  refreshFiles();
}

const problemLines = (places) =>
  places.slice(0, 20).map(({ file, line, message }) => {
    const entry = document.createElement('p');
    if (file !== undefined && draft.files.has(file)) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'plain';
      button.textContent = line === undefined ? file : `${file}, line ${line}`;
      button.addEventListener('click', () => {
        open(file);
        editor.goTo(line ?? 1);
      });
      entry.append(button, ' ');
    }
    entry.append(message);
    return entry;
  });

const markProblems = () => editor.mark(problems.filter(({ file, line }) => file === current && line !== undefined));

const refreshFiles = () =>
  showFiles({
    list: at('files'),
    draft,
    current,
    faulty: new Set(problems.map(({ file }) => file)),
    onOpen: (path) => {
      open(path);
      editor.focus();
    },
  });

function open(path) {
  current = path;
  const text = draft.text(path);
  at('file').textContent = path;
  at('editor').hidden = text === undefined;
  at('binary').hidden = text !== undefined;
  if (text === undefined) {
    const { type, size } = draft.files.get(path) ?? {};
    at('binary').textContent = `${type ?? 'a file'}, ${size ?? 0} bytes. It is used as it is.`;
  } else editor.open(path, text);
  markProblems();
  refreshFiles();
}

function changed() {
  at('version').textContent = draft.version === 0 ? '' : `@${draft.version}`;
  at('save').disabled = !draft.hasChanges;
  at('versions').disabled = draft.version === 0;
  at('copy').disabled = draft.version === 0;
  at('delete').hidden = draft.version === 0;
  at('bench').classList.toggle('unsaved', draft.hasChanges);
  if (draft.hasChanges) say(draft.version === 0 ? 'Not saved yet' : 'Changed, not saved');
  refreshFiles();
  preview.changed();
}

function write(path, text) {
  draft.files.set(path, { text });
  if (path === 'template.json') readOptions(text);
  changed();
}

async function save() {
  const found = jsonProblems();
  if (found.length > 0) {
    showProblems(found);
    return say('Not saved: see the error below');
  }
  const files = new Map(draft.files);
  say('Saving…');
  try {
    const { version, isNew } = await saveTemplate(name, { files: draft.sent });
    draft.keep(version, files);
    history.replaceState(null, '', location.pathname);
    changed();
    if (!draft.hasChanges) say(isNew ? `Saved as ${name}@${version}` : `Unchanged: it is ${name}@${version}`);
  } catch (error) {
    say('Not saved');
    showFailure(error);
  }
}

/** Prints what is shown: a saved version as a program would, otherwise with its changes. */
async function printIt() {
  const isSaved = draft.version > 0 && !draft.hasChanges;
  say('Printing…');
  try {
    const jobId = isSaved ? await print(request()) : await printChanges();
    if (jobId === undefined) return say('Not printed: see the error below');
    const link = document.createElement('a');
    link.href = pdfPath(jobId, 'attachment');
    link.textContent = 'Download the PDF';
    link.id = 'download';
    link.download = ''; // not a navigation, which would ask about changes
    at('state').replaceChildren(
      isSaved ? `Printed ${name}@${draft.version}. ` : 'Printed with changes that are not saved. ',
      link,
    );
    link.click();
  } catch (error) {
    say('Not printed');
    showFailure(error);
  }
}

const request = () => ({ template: `${name}@${draft.version}`, data: parsedData() });

async function deleteIt() {
  if ((await askToDelete(name)) === undefined) return;
  try {
    if (draft.version > 0) await deleteTemplate(name);
    draft.keep(draft.version);
    location.href = '/studio';
  } catch (error) {
    showFailure(error);
  }
}

function restore(version, files) {
  draft.files = new Map(files);
  open(draft.files.has(current) ? current : draft.paths[0]);
  readOptions(draft.text('template.json'));
  changed();
  say(`Version ${version} is in the editor. Saving it makes a new version.`);
}

function connect() {
  const on = (id, act) => at(id).addEventListener('click', () => void act());
  on('save', save);
  on('print', printIt);
  on('versions', () => showVersions({ name, draft, nonce, onRestore: restore }).catch(showFailure));
  on('copy', () =>
    showUse(
      request(),
      draft.hasChanges
        ? 'This prints the saved version, without your changes.'
        : 'PDFPROMPT_KEY is one of your API keys.',
    ),
  );
  on('delete', deleteIt);
  connectFiles({
    draft,
    current: () => current,
    onChange: (path) => {
      if (path !== undefined) open(path);
      changed();
    },
    focus: () => editor.focus(),
    say,
    showFailure,
  });
  at('options').addEventListener('submit', (event) => event.preventDefault());
  at('options').addEventListener('change', () => {
    const text = withOptions(draft.text('template.json'));
    if (text === undefined) {
      at('options').reportValidity();
      return;
    }
    draft.files.set('template.json', { text });
    if (current === 'template.json') open(current);
    changed();
  });
  document.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const act = { s: save, Enter: printIt }[event.key];
    if (!act) return;
    event.preventDefault();
    void act();
  });
  addEventListener('beforeunload', (event) => {
    if (draft.hasChanges && draft.version + draft.files.size > 0) event.preventDefault();
  });
  at('page').open = matchMedia('(min-width: 60rem)').matches; // beside each other there is room for it
  const panes = document.querySelector('.panes');
  for (const button of document.querySelectorAll('[data-view]'))
    button.addEventListener('click', () => {
      panes.dataset.shown = button.dataset.view;
      for (const each of document.querySelectorAll('[data-view]'))
        each.setAttribute('aria-pressed', String(each === button));
    });
}

async function openEditor() {
  const options = { parent: at('editor'), nonce, onChange: write, describedBy: 'keys', data: sampleData };
  try {
    const { CodeEditor } = await import('./code-editor.js');
    return new CodeEditor(options);
  } catch {
    const { PlainEditor } = await import('./plain-editor.js');
    return new PlainEditor(options);
  }
}

try {
  const [stored, opened] = await Promise.all([saved === undefined ? undefined : getTemplate(name), openEditor()]);
  editor = opened;
  if (stored) draft.load(stored.version, await filesOf(stored));
  else {
    const starter = STARTERS[new URLSearchParams(location.search).get('starter')] ?? STARTERS.blank;
    draft.files = new Map(Object.entries(starter).map(([path, text]) => [path, { text }]));
  }
  connect();
  readOptions(draft.text('template.json'));
  open(draft.paths[0]);
  changed();
  preview.changed(0);
  document.body.dataset.ready = 'true';
} catch (error) {
  say(`The template could not be read: ${error.message}`);
}
