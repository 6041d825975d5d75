import { html } from 'hono/html';

/** A piece of a page. Whatever is put into it is text, unless it is a piece itself. */
export type Html = ReturnType<typeof html>;

export { duration } from '../../charts/duration.ts';

export const secondsBetween = (from: Date, until: Date) => Math.max(0, until.getTime() - from.getTime()) / 1_000;

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345` */
export const count = (value: number) => grouped.format(value);

/** `1 job`, `2 jobs` */
export const counted = (value: number, one: string) => `${count(value)} ${one}${value === 1 ? '' : 's'}`;

/** `812 B`, `24.1 KB`, `3.2 MB` */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  return value < 999_950 ? `${(value / 1_000).toFixed(1)} KB` : `${(value / 1_000_000).toFixed(1)} MB`;
}

const DAY_MS = 86_400_000;

/** The time of day, with its day if that is not today's. UTC. */
export function instant(at: Date, now = new Date()): Html {
  const iso = at.toISOString();
  const isToday = Math.floor(at.getTime() / DAY_MS) === Math.floor(now.getTime() / DAY_MS);
  return html`<time datetime="${iso}" title="${iso}"
    >${isToday ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`}</time
  >`;
}

/** A status or an outcome, told apart by its word first. */
export const pill = (word: string) => html`<span class="pill pill-${word}">${word}</span>`;
