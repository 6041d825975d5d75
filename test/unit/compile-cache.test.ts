import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { undoLater } from '../support/clean-up.ts';

const run = promisify(execFile);

/** Runs the program with a cache directory. @returns the path of what is ours in it */
async function start(prepare: (own: string) => Promise<unknown>, env: Record<string, string> = {}): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'pdfprompt-cache-'));
  undoLater(() => rm(home, { recursive: true }));
  const own = join(home, 'pdfprompt');
  await prepare(own);
  const all = { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: home, ...env };
  const { stdout } = await run(process.execPath, ['bin/pdfprompt.js', '--version'], { env: all });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  return own;
}

const files = (directory: string) => readdir(directory, { recursive: true }).catch(() => []);

describe('compiled code', () => {
  it('is kept where nobody else can write', async () => {
    const own = await start(async () => undefined);
    expect((await files(own)).length).toBeGreaterThan(50);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
  });

  it.each<[string, (own: string) => Promise<unknown>, Record<string, string>?]>([
    ['others can write there', async (own) => [await mkdir(own), await chmod(own, 0o777)]],
    ['the group can write there', async (own) => [await mkdir(own), await chmod(own, 0o770)]],
    ['it leads elsewhere', async (own) => [await mkdir(`${own}-2`), await symlink(`${own}-2`, own)]],
    ['it is not wanted', (own) => mkdir(own), { NODE_DISABLE_COMPILE_CACHE: '1' }],
  ])('is not kept if %s', async (_, prepare, env) => {
    expect(await files(await start(prepare, env))).toEqual([]);
  });

  it('is not needed', async () => {
    const own = await start((at) => writeFile(at, 'a file'));
    expect(await stat(own).then((stats) => stats.isFile())).toBe(true);
  });
});
