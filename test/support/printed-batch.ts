import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { noncesIn } from './invoice-batch.ts';

const run = promisify(execFile);
const PAGES_AT_A_TIME = 500;
const FILES_AT_A_TIME = 4;
const MOST_TEXT = 100_000_000;

/** Writes what a URL answers to a file. @throws if it is refused */
export async function download(url: string, key: string, path: string): Promise<void> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok || !response.body)
    throw new Error(`${url} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  await pipeline(response.body, createWriteStream(path));
}

/** By somebody else's reader (poppler). @returns the nonces of each page, in their order */
export async function noncesOfPages(path: string): Promise<string[][]> {
  const { stdout } = await run('pdfinfo', [path]);
  const pages = Number(/^Pages:\s+(\d+)$/m.exec(stdout)?.[1]);
  const found: string[][] = [];
  for (let first = 1; first <= pages; first += PAGES_AT_A_TIME) {
    const last = Math.min(pages, first + PAGES_AT_A_TIME - 1);
    const range = ['-f', String(first), '-l', String(last), path, '-'];
    const read = await run('pdftotext', range, { maxBuffer: MOST_TEXT });
    found.push(...read.stdout.split('\f').slice(0, last - first + 1).map(noncesIn)); // prettier-ignore
  }
  return found;
}

/** By Info-ZIP, which knows zip64. @returns the nonces of each PDF, by its name */
export async function noncesOfZip(path: string): Promise<Map<string, string[]>> {
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-zip-'));
  try {
    await run('unzip', ['-q', '-d', directory, path]);
    const names = await readdir(directory);
    const left = [...names];
    const found = new Map<string, string[]>();
    const lane = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const { stdout } = await run('pdftotext', [join(directory, name), '-']);
        found.set(name, noncesIn(stdout));
      }
    };
    await Promise.all(Array.from({ length: FILES_AT_A_TIME }, lane));
    return found;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
