import type { Logger } from '../telemetry/log.ts';

/** Data, on stdout: one value that a script can use as it is, or a report that was asked for. Sentences are for {@link warn}. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Whether the command line that is run has printed its JSON document: there is one. */
export const jsonDocument = { isPrinted: false };

export function printJson(value: unknown): void {
  jsonDocument.isPrinted = true;
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/** A sentence for people, on stderr: what was done, or what is wrong. */
export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Reports a step that takes long on stderr, if that is a terminal. */
export function progress(message: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\u001b[90m${message} …\u001b[0m\n`);
}

/** A text of somebody else's, as one line that cannot move the cursor of a terminal or turn what is beside it around. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ');
}

/**
 * Rows of data, on stdout: as columns with headings on a terminal, otherwise a line for each row, its cells with tabs between them.
 * @param head the headings; none for rows of a name and a value
 */
export function printRows(rows: string[][], head?: string[]): void {
  if (rows.length === 0) return;
  const cells = rows.map((row) => row.map(oneLine));
  print(process.stdout.isTTY ? table(head ? [head, ...cells] : cells) : cells.map((row) => row.join('\t')).join('\n'));
}

/** A number for {@link printRows}: with commas on a terminal, plain for a script. */
export function figure(value: number): string {
  return process.stdout.isTTY ? value.toLocaleString('en') : String(value);
}

/** Columns as wide as their widest cell. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
    )
    .join('\n');
}

/** Logs go to stderr: JSON lines, human lines on a terminal. */
export async function loggerFor(name: string, level: string): Promise<Logger> {
  const { createLogger } = await import('../telemetry/log.ts');
  return createLogger({
    level,
    process: name,
    human: process.stderr.isTTY,
    write: (line) => process.stderr.write(line),
  });
}
