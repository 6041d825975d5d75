import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of every service and process of a run, below the data directory of the run. */
const directoryOf = (dataDir: string) => join(dataDir, 'logs');

/** Keeps what a process logged until the run is over. */
export function keepLog(dataDir: string, text: string): void {
  if (text === '') return;
  mkdirSync(directoryOf(dataDir), { recursive: true });
  appendFileSync(join(directoryOf(dataDir), `${process.pid}.log`), `${text}\n`);
}

/** API keys and links (every one that a test made is a canary), passwords of databases, and what tests mark as secret. */
const SECRETS = /pdf_[0-9A-Za-z]{20,}|\bAQ[\w-]{86}\b|hunter2|canary-\d+/;

/** @returns the lines of all logs of the run with a secret in them, and how many lines there are */
export function searchLogs(dataDir: string): { leaks: string[]; count: number } {
  const directory = directoryOf(dataDir);
  if (!existsSync(directory)) return { leaks: [], count: 0 };
  const lines = readdirSync(directory).flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'));
  return { leaks: lines.filter((line) => SECRETS.test(line)), count: lines.length };
}
