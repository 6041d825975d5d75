import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { assetPath } from './assets.ts';
import { clockTime, type Html } from './figures.ts';
import { menuButton, navigation, type PageName } from './navigation.ts';
import { CONSOLE, type Place } from './session.ts';

interface Layout {
  title: string;
  /** default: the console */
  place?: Place;
  /** undefined if nobody is signed in: then there is no navigation */
  session: ConsoleSession | undefined;
  /** the current entry of the navigation */
  at?: PageName;
  /** text of the search field */
  search?: string;
  /** more of the document's head, such as scripts */
  head?: Html;
  /** class of the body */
  kind?: string;
  main: Html;
}

/** A whole page, without inline scripts or styles and without resources of other hosts. */
export function layout({ title, place = CONSOLE, session, at, search = '', head, kind = '', main }: Layout): Html {
  const { path, name } = place;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · pdfprompt ${name}</title>
        <link rel="icon" type="image/svg+xml" href="${assetPath('icon.svg')}" />
        <link rel="stylesheet" href="${assetPath('console.css')}" />
        ${session && place === CONSOLE && html`<script type="module" src="${assetPath('console.js')}"></script>`}
        ${head}
      </head>
      <body ${kind !== '' && html` class="${kind}"`}>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <div class="bar">
            <p class="brand">${session ? html`<a href="${path}">pdfprompt</a>` : 'pdfprompt'} <span>${name}</span></p>
            ${session && menuButton(session)} ${session && place === CONSOLE && searchForm(search, at)}
            ${session && signOutForm(session, place)}
          </div>
          ${session && navigation(session, at)}
        </header>
        <main id="main" tabindex="-1">${main}</main>
        <footer class="bottom">
          <p>
            <span id="clock-text">Times are in UTC.</span>
            <button id="clock-switch" class="plain" type="button" hidden></button>
            ${session && html` Signed in with ${session.keyId === '' ? 'a link' : html`the key <code>${session.keyPrefix}…</code>`} until ${clockTime(session.expiresAt)}.`}
            <a href="/docs">API documentation</a>
          </p>
        </footer>
      </body>
    </html>`;
}

/** What the search field finds on a page with a search of its own; on all others it finds jobs. */
const SEARCHES: Partial<Record<PageName, { label: string; short: string }>> = {
  batches: { label: 'Id of a batch or user, or email', short: 'Id or email' },
  schedules: { label: 'Id or email of a user', short: 'Id or email' },
  users: { label: 'Start of the email or id of a user', short: 'Email or id' },
  keys: { label: 'Start of a key, or email or id of its user', short: 'Start of a key, or email' },
  templates: { label: 'Start of the name of a template, or email of its user', short: 'Name or email' },
};
const OF_JOBS = {
  label: 'Id, email, file name, order number, order:A-17 or error code',
  short: 'Id, email, file name, order number',
};

function searchForm(search: string, at: PageName | undefined): Html {
  const own = at && SEARCHES[at];
  const { label, short } = own ?? OF_JOBS;
  return html`<search>
    <form class="search" action="/console/${own ? at : 'jobs'}" method="get">
      <label class="hidden" for="q">${label}</label>
      <input
        id="q"
        name="q"
        type="search"
        value="${search}"
        placeholder="${short}"
        autocomplete="off"
        spellcheck="false"
        maxlength="320"
      />
      <button type="submit">Search</button>
    </form>
  </search>`;
}

function signOutForm({ email }: ConsoleSession, { path }: Place): Html {
  return html`<form class="who" action="${path}/sign-out" method="post">
    <span title="${email}">${email}</span> <button class="plain" type="submit">Sign out</button>
  </form>`;
}

/** What the last form did, or why it was refused. */
export interface Message {
  kind: 'done' | 'refused';
  text: string;
}

export function messageLine(message: Message | undefined): Html {
  if (!message) return html``;
  const { kind, text } = message;
  return html`<p class="message message-${kind}" role="${kind === 'done' ? 'status' : 'alert'}">${text}</p>`;
}

interface LivePart {
  /** when the server's differs, the script loads the whole page again */
  state?: string;
  /** id: only its end concerns the part */
  job?: string;
}

/** A part of a page that the script fetches again while the page is visible: when a job has ended, and every few seconds. */
export function livePart(fragment: string, content: Html, { state, job }: LivePart = {}): Html {
  const events = `/console/fragments/events${job === undefined ? '' : `?job=${job}`}`;
  return html`<div
    data-live="${fragment}"
    data-events="${events}"
    ${state !== undefined && html` data-state="${state}"`}
  >
    ${content}
  </div>`;
}

/** The script shows the switch; without scripts a sentence says how to refresh. */
export function liveSwitch(): Html {
  return html`<p class="live">
    <span id="live-text" hidden></span>
    <button id="live-switch" class="plain" type="button" aria-pressed="true" hidden>Live</button
    ><noscript>Reload the page to see what is new.</noscript>
  </p>`;
}
