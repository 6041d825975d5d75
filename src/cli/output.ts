import type { Logger } from '../telemetry/log.ts';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Whether the command line that is run has printed its JSON document: there is one. */
export const jsonDocument = { isPrinted: false };

export function printJson(value: unknown): void {
  jsonDocument.isPrinted = true;
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

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
