import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Html } from './figures.ts';
import { CONSOLE, STUDIO } from './session.ts';

/** Every page of the navigation, by what one comes for. */
const GROUPS = [
  {
    name: 'Work',
    pages: [
      ['overview', '/console', 'Overview'],
      ['jobs', '/console/jobs', 'Jobs'],
      ['batches', '/console/batches', 'Batches'],
      ['schedules', '/console/schedules', 'Schedules'],
      ['webhooks', '/console/webhooks', 'Webhooks'],
      ['actions', '/console/actions', 'Actions'],
    ],
  },
  {
    name: 'Customers',
    pages: [
      ['users', '/console/users', 'Users'],
      ['keys', '/console/keys', 'Keys'],
      ['tiers', '/console/tiers', 'Tiers'],
      ['templates', '/console/templates', 'Templates'],
    ],
  },
  {
    name: 'Service',
    pages: [
      ['settings', '/console/settings', 'Settings'],
      ['doctor', '/console/doctor', 'Doctor'],
      ['audit', '/console/audit', 'Audit'],
      ['sessions', '/console/sessions', 'Sessions'],
    ],
  },
] as const;

const STUDIO_PAGE = ['studio', STUDIO.path, 'Studio'] as const;

type Entry = (typeof GROUPS)[number]['pages'][number] | typeof STUDIO_PAGE;

/** A page of the navigation. */
export type PageName = Entry[0];

/**
 * The links to all pages that the session opens. On a narrow screen they are a menu behind a button, which works
 * without scripts: the browser shows and hides it.
 */
export function navigation(session: ConsoleSession, at: PageName | undefined): Html {
  const link = ([name, path, text]: Entry) =>
    html`<li><a href="${path}" ${at === name && html` aria-current="page"`}>${text}</a></li>`;
  if (!CONSOLE.isOpenFor(session.scopes))
    return html`<nav aria-label="Pages">
      <ul>
        ${link(STUDIO_PAGE)}
      </ul>
    </nav>`;
  const group = ({ name, pages }: { name: string; pages: readonly Entry[] }) =>
    html`<div class="group">
      <span class="group-name" id="group-${name}">${name}</span>
      <ul aria-labelledby="group-${name}">
        ${pages.map(link)}
      </ul>
    </div>`;
  return html`<nav class="pages" id="pages" popover aria-label="Pages">
    ${GROUPS.map(({ name, pages }) => group({ name, pages: name === 'Service' ? [...pages, STUDIO_PAGE] : pages }))}
    <button class="plain menu" type="button" popovertarget="pages" popovertargetaction="hide">Close</button>
  </nav>`;
}

/** Opens the menu on a narrow screen. */
export function menuButton(session: ConsoleSession): Html {
  if (!CONSOLE.isOpenFor(session.scopes)) return html``;
  return html`<button class="plain menu" type="button" popovertarget="pages">Menu</button>`;
}
