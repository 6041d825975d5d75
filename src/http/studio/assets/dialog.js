// The one dialog of the page: a question, or something to look at.

const dialog = document.querySelector('#dialog');

/** An element with attributes and children; strings become text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Shows content until it is closed. @param {string} kind class of the dialog */
export function show(title, content, kind = '') {
  dialog.className = kind;
  dialog.replaceChildren(
    element(
      'div',
      { class: 'dialog-head' },
      element('h2', { id: 'dialog-title' }, title),
      element('button', { type: 'button', class: 'plain', onclick: () => dialog.close() }, 'Close'),
    ),
    content,
  );
  dialog.showModal();
}

export const close = () => dialog.close();

/**
 * Asks for a line of text, or only for consent if there is no label.
 * @returns {Promise<string | undefined>} undefined: no
 */
export function ask({ title, text = '', label, value = '', pattern, button, isDanger = false }) {
  const { promise, resolve } = Promise.withResolvers();
  const input = element('input', {
    id: 'answer',
    value,
    required: true,
    maxlength: '500',
    pattern,
    spellcheck: 'false',
    autocapitalize: 'none',
    autocomplete: 'off',
  });
  const submit = element('button', { type: 'submit', value: 'yes', class: isDanger ? 'danger' : 'main' }, button);
  const form = element(
    'form',
    { method: 'dialog' },
    ...(text === '' ? [] : [element('p', {}, text)]),
    ...(label === undefined ? [] : [element('p', {}, element('label', { for: 'answer' }, label), input)]),
    element('div', { class: 'actions' }, submit),
  );
  dialog.returnValue = '';
  dialog.addEventListener(
    'close',
    () => resolve(dialog.returnValue !== 'yes' ? undefined : label === undefined ? 'yes' : input.value.trim()),
    { once: true },
  );
  show(title, form, 'small');
  if (label !== undefined) input.select();
  return promise;
}

/** Asks whether a template is to be deleted. Resolves with undefined if not. */
export const askToDelete = (name) =>
  ask({
    title: `Delete ${name}?`,
    text: 'All its versions are deleted. Requests that name it fail from now on.',
    button: 'Delete',
    isDanger: true,
  });
