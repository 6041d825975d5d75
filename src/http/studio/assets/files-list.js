// The list of a template's files: which one is shown, and which ones differ from what is saved.

import { element } from './dialog.js';

/** @param {{ list: HTMLElement, draft: import('./draft.js').Draft, current: string, faulty: Set<string>, onOpen: (path: string) => void }} view */
export function showFiles({ list, draft, current, faulty, onOpen }) {
  const focused = list.contains(document.activeElement);
  list.replaceChildren(
    ...draft.paths.map((path) => {
      const notes = [
        draft.isChanged(path) && draft.version > 0 && 'changed',
        faulty.has(path) && 'has an error',
      ].filter(Boolean);
      const slash = path.lastIndexOf('/') + 1;
      return element(
        'li',
        {},
        element(
          'button',
          {
            type: 'button',
            class: ['file', ...(faulty.has(path) ? ['faulty'] : [])].join(' '),
            'aria-current': path === current ? 'true' : undefined,
            title: path,
            onclick: () => onOpen(path),
          },
          element(
            'span',
            { class: 'path' },
            element('span', { class: 'dim' }, path.slice(0, slash)),
            path.slice(slash),
          ),
          ...(notes.length > 0
            ? [
                element('span', { class: 'mark', 'aria-hidden': 'true' }),
                element('span', { class: 'hidden' }, `, ${notes.join(', ')}`),
              ]
            : []),
        ),
      );
    }),
  );
  if (focused) list.querySelector('[aria-current]')?.focus();
}
