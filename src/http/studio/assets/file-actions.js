// What is done with the files of a template: added, renamed, removed, uploaded.

import { uploadAsset } from './api.js';
import { ask } from './dialog.js';
import { isText } from './draft.js';

/** What is wrong with a path for a new file, in a sentence, or nothing. @param {ReadonlyMap<string, unknown>} taken */
function pathProblem(path, taken) {
  if (path.length === 0 || path.length > 500) return 'A path has 1 to 500 characters.';
  if (path.split('/').some((part) => part === '' || part.startsWith('.')))
    return 'No part of a path is empty or begins with a dot.';
  if (/[\\\p{Cc}]/u.test(path)) return 'A path has no backslash and no control characters.';
  return taken.has(path) ? `There is a file ${path} already.` : '';
}

/**
 * @param {{ draft: import('./draft.js').Draft, current: () => string, onChange: (path?: string) => void,
 *   focus: () => void, say: (text: string) => void, showFailure: (error: unknown) => void }} bench `onChange` opens the path
 */
export function connectFiles({ draft, current, onChange, focus, say, showFailure }) {
  const at = (id) => document.getElementById(id);
  const on = (id, act) => at(id).addEventListener('click', () => void act());

  const askPath = async (title, button, value) => {
    for (let text = ''; ;) {
      const path = (await ask({ title, text, label: 'Path in the template', value, button }))?.normalize('NFC');
      if (path === undefined) return undefined;
      text = pathProblem(path, draft.files);
      if (text === '') return path;
      value = path;
    }
  };
  on('add', async () => {
    const path = await askPath('New file', 'Create', '');
    if (path === undefined) return;
    if (!isText(path)) return say('Only texts are written here. Upload anything else.');
    draft.files.set(path, { text: path.endsWith('.json') ? '{}\n' : '' });
    onChange(path);
    focus();
  });
  on('rename', async () => {
    const old = current();
    const path = await askPath(`Rename ${old}`, 'Rename', old);
    if (path === undefined) return;
    draft.files.set(path, draft.files.get(old));
    draft.files.delete(old);
    onChange(path);
  });
  on('remove', () => {
    const removed = current();
    if (draft.files.size === 1) return say('A template has a file at least');
    draft.files.delete(removed);
    onChange(draft.paths[0]);
    say(`${removed} is removed when you save`);
  });

  const upload = async (files) => {
    for (const file of files) {
      const path = file.name.normalize('NFC');
      const problem = pathProblem(path, new Map());
      if (problem !== '') {
        say(`${path} was not uploaded. ${problem}`);
        continue;
      }
      say(`Uploading ${path}…`);
      try {
        draft.files.set(path, isText(path, file.size) ? { text: await file.text() } : await uploadAsset(file));
        onChange(path);
        say(`${path} is in the template when you save`);
      } catch (error) {
        say(`${path} was not uploaded`);
        showFailure(error);
      }
    }
  };
  on('upload', () => at('upload-input').click());
  at('upload-input').addEventListener('change', ({ target }) => {
    void upload([...target.files]).finally(() => (target.value = ''));
  });
  const pane = document.querySelector('.files');
  pane.addEventListener('dragover', (event) => {
    event.preventDefault();
    pane.classList.add('over');
  });
  for (const event of ['dragleave', 'drop']) pane.addEventListener(event, () => pane.classList.remove('over'));
  pane.addEventListener('drop', (event) => {
    event.preventDefault();
    void upload([...event.dataTransfer.files]);
  });
}
