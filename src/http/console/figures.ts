import { html } from 'hono/html';
import { duration } from '../../charts/duration.ts';
import { lazily } from '../../kernel/lazily.ts';

/** HTML of a page. Values that are put into it are escaped, unless they are `Html`. */
export type Html = ReturnType<typeof html>;

export { duration };

export const secondsBetween = (from: Date, until: Date) => Math.max(0, until.getTime() - from.getTime()) / 1_000;

/** A duration without parts of a second: `2 s`, `4 min 10 s` */
export const roughly = (seconds: number) => duration(Math.max(1, Math.round(seconds))).replace(/\.0+ /, ' ');

const grouped = lazily(() => new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 }));

/** `12,345` */
export const count = (value: number) => grouped().format(value);

/** `1 job`, `2 jobs` */
export const counted = (value: number, one: string) => `${count(value)} ${one}${value === 1 ? '' : 's'}`;

/** `812 B`, `24.1 KB`, `3.2 MB` */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  return value < 999_950 ? `${(value / 1_000).toFixed(1)} KB` : `${(value / 1_000_000).toFixed(1)} MB`;
}

const DAY_MS = 86_400_000;

/** The time of day in UTC, with the date unless it is today. The script shows it in local time. */
export function instant(at: Date, now = new Date()): Html {
  const iso = at.toISOString();
  const isToday = Math.floor(at.getTime() / DAY_MS) === Math.floor(now.getTime() / DAY_MS);
  return html`<time datetime="${iso}" title="${iso}" data-clock="seconds"
    >${isToday ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`}</time
  >`;
}

/** Hours and minutes of a time that is near, in UTC. The script shows it in local time. */
export function clockTime(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" data-clock="minutes">${iso.slice(11, 16)}</time>`;
}

/** A status or an outcome: a word, and a dot of the colour of `mark`. */
export const pill = (word: string, mark = word) => html`<span class="pill pill-${mark}">${word}</span>`;

/** One of the `facts` of a page: a name and its value. */
export const fact = (name: string, value: string | number | Html): Html =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;

/** A choice between pages that differ in a parameter, as links. */
export function choices(label: string, links: readonly { text: string; path: string; isCurrent: boolean }[]): Html {
  return html`<nav aria-label="${label}">
    <ul class="choices">
      ${links.map(({ text, path, isCurrent }) => html`<li><a href="${path}" ${isCurrent && html` aria-current="true"`}>${text}</a></li>`)}
    </ul>
  </nav>`;
}

/** A time of the API, or a dash. */
export const instantOf = (iso: string | null, otherwise = '–') => (iso === null ? otherwise : instant(new Date(iso)));

export type Column = string | [name: string | Html, className: string];

export function tableHead(...columns: Column[]): Html {
  const cells = columns.map((column) => {
    const [name, className] = typeof column === 'string' ? [column] : column;
    return html`<th scope="col" ${className && html` class="${className}"`}>${name}</th>`;
  });
  return html`<thead>
    <tr>
      ${cells}
    </tr>
  </thead>`;
}

/** @param empty shown if there are no rows */
export function tableSection(heading: string, columns: Column[], rows: Html[], empty: Html | string): Html {
  const id = heading.toLowerCase();
  const table = html`<table aria-labelledby="${id}">
    ${tableHead(...columns)}
    <tbody>
      ${rows}
    </tbody>
  </table>`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    ${rows.length > 0 ? table : html`<p class="empty">${empty}</p>`}
  </section>`;
}
