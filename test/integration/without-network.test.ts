import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { isRoot } from '../../src/kernel/privileges.ts';
import { undoLater } from '../support/clean-up.ts';

const run = promisify(execFile);
const MODULE = new URL('../../src/kernel/confined-process.ts', import.meta.url).href;
const PROGRAM = `
  const { withoutNetwork } = await import('${MODULE}');
  const [found, again] = await Promise.all([withoutNetwork(), withoutNetwork()]);
  process.stdout.write(JSON.stringify({ ...found, isOne: found === again }));`;
const COMMAND = ['unshare', ...(isRoot() ? [] : ['--user', '--map-current-user']), '--net', '--'];

it.runIf(process.platform === 'linux').each([
  ['lets programs be started without a network', 'exit 0', { command: COMMAND, isOne: true }],
  ['says why they cannot', 'echo "not permitted" >&2; exit 1', { command: [], reason: 'not permitted', isOne: true }],
  ['says that it failed, if that is all', 'exit 1', { command: [], reason: expect.stringContaining('unshare'), isOne: true }], // prettier-ignore
  ['says that it is missing', undefined, { command: [], reason: expect.stringContaining('ENOENT'), isOne: true }],
] as const)('unshare, tried once, %s', async (_, script, expected) => {
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-unshare-'));
  undoLater(() => rm(directory, { recursive: true }));
  const calls = join(directory, 'calls');
  await writeFile(calls, '');
  const path = join(directory, 'unshare');
  if (script !== undefined) await writeFile(path, `#!/bin/sh\necho "$@" >> ${calls}\n${script}\n`);
  if (script !== undefined) await chmod(path, 0o755);
  const flags = ['--no-warnings', '--input-type=module', '-e', PROGRAM];
  const { stdout } = await run(process.execPath, flags, { env: { PATH: directory } });
  expect(JSON.parse(stdout)).toEqual(expected);
  const tried = script === undefined ? '' : `${[...COMMAND.slice(1), 'true'].join(' ')}\n`;
  expect(await readFile(calls, 'utf8')).toBe(tried);
});
