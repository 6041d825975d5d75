// The list of one's templates, and a form for a new one.

import { deleteTemplate, listTemplates } from './api.js';
import { askToDelete, element } from './dialog.js';
import { whenOf } from './when.js';

const list = document.querySelector('#list');
const status = document.querySelector('#status');
let known = new Set();

const pathOf = (name) => `/studio/templates/${encodeURIComponent(name)}`;

function say(text) {
  status.textContent = text;
  status.hidden = text === '';
}

async function show() {
  try {
    const templates = await listTemplates();
    known = new Set(templates.map(({ name }) => name));
    list.replaceChildren(templates.length === 0 ? empty() : table(templates));
    say('');
  } catch (error) {
    if (error.status === 401) location.reload();
    say(`The templates could not be read: ${error.message}.`);
    list.replaceChildren();
  }
  list.setAttribute('aria-busy', 'false');
}

const empty = () =>
  element(
    'p',
    { class: 'empty' },
    'No template yet. Name one above: it begins with something that prints, and you change it.',
  );

function table(templates) {
  const rows = templates.map(({ name, version, description, createdAt }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, element('a', { href: pathOf(name) }, name)),
      element('td', { class: 'about' }, description ?? ''),
      element('td', { class: 'number' }, String(version)),
      element('td', {}, whenOf(createdAt)),
      element(
        'td',
        { class: 'number' },
        element(
          'button',
          { type: 'button', class: 'plain danger', 'aria-label': `Delete ${name}`, onclick: () => void remove(name) },
          'Delete',
        ),
      ),
    ),
  );
  const head = ['Name', 'Description', 'Version', 'Saved', 'Actions'].map((text, index) =>
    element(
      'th',
      { scope: 'col', class: index === 2 ? 'number' : index === 1 ? 'about' : undefined },
      index === 4 ? element('span', { class: 'hidden' }, text) : text,
    ),
  );
  return element(
    'table',
    { 'aria-labelledby': 'yours' },
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
}

async function remove(name) {
  if ((await askToDelete(name)) === undefined) return;
  try {
    await deleteTemplate(name);
    await show();
  } catch (error) {
    say(`Not deleted: ${error.message}.`);
  }
}

document.querySelector('#new').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = document.querySelector('#name').value.trim();
  if (known.has(name)) return say(`There is a template ${name} already. It is below.`);
  location.href = `${pathOf(name)}?starter=${document.querySelector('#starter').value}`;
});

void show();
