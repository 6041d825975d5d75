import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FolderWatch } from '../../src/sources/folder-watch.ts';

const root = await mkdtemp(join(tmpdir(), 'pdfprompt-test-watch-'));
afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder that is watched; `after` does something and waits until it is reported. */
async function watched(name: string, { paths = [join(root, name)], files = ['a.txt', 'deep/er/b.txt'] } = {}) {
  const folder = join(root, name);
  for (const file of files) {
    await mkdir(join(folder, file, '..'), { recursive: true });
    await writeFile(join(folder, file), 'old');
  }
  let report = Promise.withResolvers<void>();
  const watch = await FolderWatch.start({
    paths,
    ignored: new Set(),
    onChange: () => report.resolve(),
    onError: (error) => report.reject(error),
  });
  afterAll(() => watch.close());
  const after = async (change: () => Promise<void>) => {
    report = Promise.withResolvers();
    await change();
    await report.promise;
  };
  return { folder, watch, after };
}

describe('FolderWatch reports', () => {
  it('a file that is written, at any depth, again and again', async () => {
    const { folder, after } = await watched('written');
    for (const file of ['a.txt', 'deep/er/b.txt', 'a.txt', 'deep/er/b.txt'])
      await after(() => writeFile(join(folder, file), file));
  });

  it('a file that an editor replaces by another, and what is written to that', async () => {
    const { folder, after } = await watched('replaced');
    for (const file of ['a.txt', 'deep/er/b.txt']) {
      const path = join(folder, file);
      const replace = async () => {
        await writeFile(`${path}.new`, 'new');
        await rename(`${path}.new`, path);
      };
      await after(replace);
      await after(replace);
      await after(() => writeFile(path, 'newer'));
    }
  });

  it('new files and folders, and what is in them later', async () => {
    const { folder, after } = await watched('new');
    await after(() => writeFile(join(folder, 'new.txt'), ''));
    await after(() => mkdir(join(folder, 'x/y/z'), { recursive: true }).then(() => undefined));
    await after(() => writeFile(join(folder, 'x/y/z/c.txt'), ''));
    await after(() => writeFile(join(folder, 'x/y/z/c.txt'), 'more'));
    await after(() => rm(join(folder, 'x/y/z/c.txt')));
  });

  it('a folder that is renamed, removed, or made again, and what is in it later', async () => {
    const { folder, after } = await watched('renamed');
    await after(() => rename(join(folder, 'deep'), join(folder, 'deeper')));
    await after(() => writeFile(join(folder, 'deeper/er/b.txt'), 'new'));
    await after(() => rm(join(folder, 'deeper'), { recursive: true }));
    await after(() => mkdir(join(folder, 'deeper')));
    await after(() => writeFile(join(folder, 'deeper/b.txt'), 'new'));
  });

  it('a whole folder that takes the place of the one that is watched', async () => {
    const { folder, after } = await watched('whole');
    await mkdir(join(root, 'another'));
    await after(async () => {
      await rename(folder, join(root, 'whole-old'));
      await rename(join(root, 'another'), folder);
    });
    await after(() => writeFile(join(folder, 'a.txt'), 'new'));
  });

  it('of a file in another folder only that file', async () => {
    const { folder, after } = await watched('data', { paths: [join(root, 'data/a.txt')] });
    await after(() => writeFile(join(folder, 'a.txt'), 'new'));
    await after(async () => {
      await writeFile(join(folder, 'a.new'), 'new');
      await rename(join(folder, 'a.new'), join(folder, 'a.txt'));
    });
    await after(() => writeFile(join(folder, 'a.txt'), 'newer'));
  });
});

it('FolderWatch refuses what has too many folders, and what is not there', async () => {
  const many = join(root, 'many');
  await Promise.all(Array.from({ length: 1_001 }, (_, index) => mkdir(join(many, `${index}`), { recursive: true })));
  const start = (path: string) =>
    FolderWatch.start({ paths: [path], ignored: new Set(), onChange: () => undefined, onError: () => undefined });
  await expect(start(many)).rejects.toThrow('--watch: there are more than 1000 folders');
  await expect(start(join(root, 'nowhere'))).rejects.toThrow('ENOENT');
});
