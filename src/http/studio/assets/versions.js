// The versions of a template, what differs between two of them, and the way back to one.

import { getTemplate, listVersions, readAsset } from './api.js';
import { close, element, show } from './dialog.js';
import { isText } from './draft.js';
import { whenOf } from './when.js';

/** The files of a version; texts are read. @returns {Promise<Map<string, import('./draft.js').Entry>>} */
export async function filesOf({ files }) {
  const entries = Object.entries(files).map(async ([path, { id, size, type }]) =>
    isText(path, size) ? [path, { text: await (await readAsset(id)).text(), id }] : [path, { id, size, type }],
  );
  return new Map(await Promise.all(entries));
}

/**
 * @param {{ name: string, draft: import('./draft.js').Draft, nonce: string, onRestore: (version: number, files: Map<string, import('./draft.js').Entry>) => void }} input
 */
export async function showVersions({ name, draft, nonce, onRestore }) {
  const newest = await listVersions(name);
  const option = ({ version, createdAt }, isSelected) =>
    element(
      'option',
      { value: String(version), selected: isSelected },
      `${version} · ${whenOf(createdAt).textContent}`,
    );
  // What is in the editor is newer than the newest one.
  const base = draft.hasChanges ? 0 : Math.min(1, newest.length - 1);
  const old = element('select', { id: 'old' }, ...newest.map((each, index) => option(each, index === base)));
  const fresh = element(
    'select',
    { id: 'fresh' },
    element('option', { value: '', selected: draft.hasChanges }, 'what is in the editor'),
    ...newest.map((each, index) => option(each, index === 0 && !draft.hasChanges)),
  );
  const changes = element('div', { class: 'changes', 'aria-live': 'polite' });
  const restore = element('button', { type: 'button' });
  const read = async (value) => (value === '' ? draft.files : filesOf(await getTemplate(name, Number(value))));
  let turn = 0;
  const compare = async () => {
    const mine = ++turn;
    restore.textContent = `Put version ${old.value} into the editor`;
    try {
      const [before, after] = await Promise.all([read(old.value), read(fresh.value)]);
      if (mine === turn) changes.replaceChildren(...(await differences(before, after, nonce)));
    } catch (error) {
      if (mine === turn) changes.replaceChildren(`The versions could not be read: ${error.message}.`);
    }
  };
  old.addEventListener('change', () => void compare());
  fresh.addEventListener('change', () => void compare());
  restore.addEventListener('click', () => {
    void read(old.value).then((files) => {
      close();
      onRestore(Number(old.value), files);
    });
  });
  show(
    `Versions of ${name}`,
    element(
      'div',
      { class: 'stack' },
      element(
        'div',
        { class: 'compared' },
        element('p', {}, element('label', { for: 'old' }, 'From'), old),
        element('p', {}, element('label', { for: 'fresh' }, 'To'), fresh),
        restore,
      ),
      changes,
    ),
    'large',
  );
  await compare();
}

async function differences(before, after, nonce) {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => (a < b ? -1 : 1));
  const sections = [];
  for (const path of paths) {
    const [a, b] = [before.get(path), after.get(path)];
    if (a && b && (a.text === undefined ? a.id === b.id : a.text === b.text)) continue;
    const what = a === undefined ? 'added' : b === undefined ? 'removed' : 'changed';
    const section = element('section', { class: 'change', 'aria-label': `${path}, ${what}` });
    section.append(element('h3', {}, path, ' ', element('span', { class: `pill pill-${what}` }, what)));
    if ((a ?? b).text !== undefined) section.append(await compared(path, a?.text ?? '', b?.text ?? '', nonce));
    sections.push(section);
  }
  return sections.length > 0 ? sections : [element('p', { class: 'empty' }, 'They are the same.')];
}

/** Both texts as one, with what is gone and what is new; without the editor one after the other. */
async function compared(path, before, after, nonce) {
  const place = element('div', { class: 'comparison' });
  try {
    const [{ unifiedMergeView }, { EditorView }, { EditorState }, { languageFor, look }] = await Promise.all([
      import('@codemirror/merge'),
      import('@codemirror/view'),
      import('@codemirror/state'),
      import('./code-editor.js'),
    ]);
    const { dom } = new EditorView({
      doc: after,
      extensions: [
        look(nonce),
        languageFor(path),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({
          'aria-label': `What differs in ${path}`,
          'aria-readonly': 'true',
          tabindex: '0',
        }),
        unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 3 } }),
      ],
    });
    place.append(dom);
  } catch {
    for (const text of [before, after]) place.append(element('pre', { tabindex: '0' }, text));
  }
  return place;
}
