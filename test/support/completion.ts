import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { undoLater } from './clean-up.ts';
import { temporaryDirectory } from './files.ts';
import { typed } from './typed.ts';

/** What is typed, with tabs, and the words that the command gets. */
export const COMPLETED: [typed: string, words: string[]][] = [
  ['keys cre\t--user a@b.c', ['keys', 'create', '--user', 'a@b.c']],
  ['mig\t--che\t', ['migrate', '--check']],
  ['keys create --scopes jobs:w\t', ['keys', 'create', '--scopes', 'jobs:write']],
  ['keys create --scopes jobs:write,usa\t', ['keys', 'create', '--scopes', 'jobs:write,usage:read']],
  ['keys create --scopes jobs:write,jobs:r\t', ['keys', 'create', '--scopes', 'jobs:write,jobs:read']],
  ['keys create --tier pro\t', ['keys', 'create', '--tier', 'professional']],
  ['tier set --tier=ent\t', ['tier', 'set', '--tier=enterprise']],
  ['serve --database-prepare fal\t', ['serve', '--database-prepare', 'false']],
  // The value of a flag is not taken for a command.
  ['keys --data-dir create rev\t', ['keys', '--data-dir', 'create', 'rev']],
  ['batch --on-bad-row sk\t', ['batch', '--on-bad-row', 'skip']],
  ['render --data only-\t', ['render', '--data', 'only-file.json']],
  ['render only-\t', ['render', 'only-file.json']],
  ['templates push only-\t', ['templates', 'push', 'only-file.json']],
  ['completion zs\t', ['completion', 'zsh']],
  ['up --render-iso\tsha\t', ['up', '--render-isolation', 'shared']],
  // Nothing fits.
  ['users delete nobody\t', ['users', 'delete', 'nobody']],
  ['keys create --tier go\t', ['keys', 'create', '--tier', 'go']],
];

/**
 * Types lines into a real shell at a terminal of its own, where `pdfprompt` prints its words.
 * @param start before the script of the completion is read
 * @returns the words of each line
 */
export async function wordsAfterTabs(shell: 'bash' | 'zsh', program: string, start: string): Promise<string[][]> {
  const cwd = await temporaryDirectory('completion');
  await writeFile(join(cwd, 'only-file.json'), '{}');
  await writeFile(join(cwd, 'script'), (await typed(['completion', shell])).stdout);
  const child = spawn('script', ['-qec', program, '/dev/null'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, TERM: 'dumb', PS1: '' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  undoLater(async () => void child.kill('SIGKILL'));
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((done) => child.once('close', done));
  const lines = COMPLETED.map(([line]) => `pdfprompt ${line}\n`);
  child.stdin.write(
    `${start}\nsource ./script\npdfprompt() { printf '\\nwords:'; printf ' <%s>' "$@"; printf '\\n'; }\n${lines.join('')}exit\n`,
  );
  await ended;
  const said = Buffer.concat(chunks).toString();
  return [...said.matchAll(/^words: (.*?)\r?$/gm)].map(([, words = '']) =>
    [...words.matchAll(/<(.*?)>/g)].map(([, word]) => word ?? ''),
  );
}
