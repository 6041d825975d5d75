import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { assetPath } from './assets.ts';
import type { Html } from './figures.ts';

interface Layout {
  title: string;
  /** undefined if nobody is signed in: then there is no navigation */
  session: ConsoleSession | undefined;
  /** the current entry of the navigation */
  at?: 'overview' | 'jobs';
  /** text of the search field */
  search?: string;
  main: Html;
}

/** A whole page, without inline scripts or styles and without resources of other hosts. */
export function layout({ title, session, at, search = '', main }: Layout): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · pdfprompt console</title>
        <link rel="icon" type="image/svg+xml" href="${assetPath('icon.svg')}" />
        <link rel="stylesheet" href="${assetPath('console.css')}" />
        ${session && html`<script type="module" src="${assetPath('console.js')}"></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <div class="bar">
            <p class="brand">${session ? html`<a href="/console">pdfprompt</a>` : 'pdfprompt'} <span>console</span></p>
            ${session && navigation(session, at, search)}
          </div>
        </header>
        <main id="main" tabindex="-1">${main}</main>
        <footer class="bottom">
          <p>
            Times are
            UTC.${session && html` Signed in with the key <code>${session.keyPrefix}…</code> until ${session.expiresAt.toISOString().slice(11, 16)}.`}
            <a href="/docs">API documentation</a>
          </p>
        </footer>
      </body>
    </html>`;
}

function navigation(session: ConsoleSession, at: Layout['at'], search: string): Html {
  const link = (name: NonNullable<Layout['at']>, path: string, text: string) =>
    html`<li><a href="${path}" ${at === name && html` aria-current="page"`}>${text}</a></li>`;
  return html`<nav aria-label="Console">
      <ul>
        ${link('overview', '/console', 'Overview')}${link('jobs', '/console/jobs', 'Jobs')}
      </ul>
    </nav>
    <search>
      <form class="search" action="/console/jobs" method="get">
        <label class="hidden" for="q">Job id, user id or email</label>
        <input
          id="q"
          name="q"
          type="search"
          value="${search}"
          placeholder="Job id, user id or email"
          autocomplete="off"
          spellcheck="false"
          maxlength="320"
        />
        <button type="submit">Search</button>
      </form>
    </search>
    <form class="who" action="/console/sign-out" method="post">
      <span title="${session.email}">${session.email}</span> <button class="plain" type="submit">Sign out</button>
    </form>`;
}

/**
 * A part of a page that the script fetches again every few seconds while the page is visible. When the server's
 * state differs from `state`, the script loads the whole page again.
 */
export function livePart(fragment: string, content: Html, state?: string): Html {
  return html`<div data-live="${fragment}" ${state !== undefined && html` data-state="${state}"`}>${content}</div>`;
}

/** The script shows the switch; without scripts a sentence says how to refresh. */
export function liveSwitch(): Html {
  return html`<p class="live">
    <span id="live-text" hidden></span>
    <button id="live-switch" class="plain" type="button" aria-pressed="true" hidden>Live</button
    ><noscript>Reload the page to see what is new.</noscript>
  </p>`;
}
