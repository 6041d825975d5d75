import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { SettingInForce } from '../../config/settings-in-force.ts';
import type { QueueOverview } from '../../jobs/queue-overview.ts';
import { choices, duration, type Html, secondsBetween, tableHead, tableSection } from './figures.ts';
import { layout } from './layout.ts';

interface SettingsView {
  settings: readonly SettingInForce[];
  /** given: only those that are not the defaults */
  show: 'all' | 'given';
  workers: QueueOverview['workers'];
  process: { host: string; pid: number; version: string };
}

/** The settings of the process that answers, and the workers with their versions. */
export function settingsPage(session: ConsoleSession, { settings, show, workers, process }: SettingsView): Html {
  const given = settings.filter(({ source }) => source !== 'default');
  const links = (['all', 'given'] as const).map((each) => ({
    text: each === 'all' ? `all ${settings.length}` : `set here ${given.length}`,
    path: `/console/settings?show=${each}`,
    isCurrent: each === show,
  }));
  return layout({
    title: 'Settings',
    session,
    at: 'settings',
    main: html`<div class="head"><h1>Settings</h1></div>
      <p class="of">
        Of the process that shows this page: <b>${process.host}</b>:${process.pid}, version ${process.version}. Flags
        win over variables. They are read when it starts; to change one, start it again.
      </p>
      ${choices('Which settings', links)} ${list(show === 'given' ? given : settings)} ${workersSection(workers)}`,
  });
}

const SOURCES = { flag: 'flag', variable: 'variable', file: 'file', default: 'default' } as const;

function list(settings: readonly SettingInForce[]): Html {
  if (settings.length === 0) return html`<p class="empty">All are the defaults.</p>`;
  const row = (setting: SettingInForce) => {
    const { name, flag, description, source, fallback } = setting;
    return html`<tr id="${name}">
      <th scope="row" class="reason">
        <code>${name}</code> <code class="wide dim">${flag}</code><span class="what dim">${plain(description)}</span>
      </th>
      <td class="value">${valueOf(setting)}</td>
      <td>${source === 'default' ? html`<span class="dim">default</span>` : SOURCES[source]}</td>
      <td class="value medium dim">${plain(fallback)}</td>
    </tr>`;
  };
  return html`<table class="settings" aria-label="Settings">
    ${tableHead('Setting', 'Value', 'From', ['Default', 'medium'])}
    <tbody>
      ${settings.map(row)}
    </tbody>
  </table>`;
}

/** A secret is not even sent to the page. */
function valueOf({ isSecret, source, value, fallback }: SettingInForce): Html | string {
  if (isSecret)
    return source === 'default' ? html`<span class="dim">not set</span>` : html`<span class="dim">hidden</span>`;
  if (value === undefined || value === '') return html`<span class="dim">${plain(fallback) || 'not set'}</span>`;
  return html`<code>${value}</code>`;
}

/** Without the marks of Markdown. */
const plain = (text: string) => text.replaceAll('`', '');

function workersSection(workers: QueueOverview['workers']): Html {
  const rows = workers.map(
    ({ host, pid, version, slots, startedAt }) =>
      html`<tr>
        <th scope="row">${host}<span class="dim">:${pid}</span></th>
        <td>${version ?? '–'}</td>
        <td class="number">${slots}</td>
        <td class="number">${duration(secondsBetween(startedAt, new Date()))}</td>
      </tr>`,
  );
  return tableSection(
    'Workers',
    ['Worker', 'Version', ['Slots', 'number'], ['Up', 'number']],
    rows,
    'No worker is running.',
  );
}
