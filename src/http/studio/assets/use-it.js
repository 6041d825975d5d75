// Shows the request that prints this template with this data, to be copied.

import { element, show } from './dialog.js';
import { curlOf, typeScriptOf } from './snippets.js';

/** Shows both. @param {string} note what one should know before */
export function showUse(request, note) {
  const part = (title, text) => {
    const copy = element('button', { type: 'button', class: 'plain', 'aria-label': `Copy as ${title}` }, 'Copy');
    copy.addEventListener('click', () => {
      void navigator.clipboard.writeText(text).then(
        () => (copy.textContent = 'Copied'),
        () => (copy.textContent = 'Select and copy it yourself'),
      );
    });
    return element(
      'section',
      { class: 'use' },
      element('div', { class: 'head' }, element('h3', {}, title), copy),
      element('pre', { tabindex: '0', role: 'region', 'aria-label': title }, text),
    );
  };
  show(
    'Use it',
    element(
      'div',
      { class: 'stack' },
      element('p', { class: 'hint' }, note),
      part('curl', curlOf(request, location.origin)),
      part('TypeScript', typeScriptOf(request, location.origin)),
    ),
    'large',
  );
}
