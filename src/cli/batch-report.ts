import type { BadRow, Batch } from '../domain/batch.ts';
import { count, time } from './batch-progress.ts';
import type { ListedItem } from './fetch-items.ts';
import { oneLine, table } from './output.ts';
import type { Refusal } from '../kernel/service-client.ts';

/** Rows that are listed. */
export const LISTED = 20;
/** Characters of a cell. */
const CELL = 200;

/** `3 rows`; also of a noun whose plural has an s. */
export const counted = (number: number, noun: string) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

/** The rows that a batch was refused for; empty if it was refused for another reason. */
export function badRowsOf({ problems }: Refusal): BadRow[] {
  return problems.flatMap(({ row, field, message }) => (row === undefined ? [] : [{ row, field, message }]));
}

/** @param total of which `bad` are the first */
export function badRowsText(bad: readonly BadRow[], total: number): string {
  const cells = bad
    .slice(0, LISTED)
    .map(({ row, field, message }) => [String(row), field.replace(/^items\[\d+\]\.?/, ''), message]);
  return listed([['ROW', 'FIELD', 'WHAT IS WRONG'], ...cells], total);
}

/** @param total of which `failed` are the first */
export function failuresText(failed: readonly ListedItem[], total: number): string {
  const cells = failed
    .slice(0, LISTED)
    .map(({ row, error }) => [String(row), error ? `${error.code}: ${error.message}` : '']);
  return listed([['ROW', 'WHY'], ...cells], total);
}

function listed(cells: string[][], total: number): string {
  const safe = cells.map((row) => row.map((cell) => oneLine(cell).slice(0, CELL)));
  const text = table(safe).replaceAll(/^/gm, '  ');
  const more = total - (cells.length - 1);
  return more > 0 ? `${text}\n  … and ${count(more)} more` : text;
}

/** What a command has found of a batch: it was over; it goes on with what failed; or neither. */
export type FoundAs = 'over' | 'again' | 'open';

/** How a batch has ended: `998 of 1,000 documents printed in 16 s, 2 failed`. */
export function endText({ status, items, error, createdAt, completedAt }: Batch, found: FoundAs): string {
  const { total, completed, failed, cancelled } = items;
  const seconds = (Date.parse(completedAt ?? createdAt) - Date.parse(createdAt)) / 1_000;
  const printed = { over: 'had been printed before', again: 'printed', open: `printed in ${time(seconds)}` }[found];
  const parts = [`${count(completed)} of ${counted(total, 'document')} ${printed}`];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (cancelled > 0) parts.push(`${count(cancelled)} cancelled`);
  const text = `${status === 'cancelled' ? 'The batch was cancelled: ' : ''}${parts.join(', ')}`;
  return error && completed > 0 ? `${text}; then it failed: ${oneLine(error.message)}` : text;
}
