import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecretFiles } from '../../src/config/secret-files.ts';
import { SETTING_LIST } from '../../src/config/settings.ts';

const URL = 'postgres://pdfprompt:secret@db/pdfprompt';
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pdfprompt-secrets-'));
  await writeFile(join(directory, 'url'), `${URL}\n`);
});
afterAll(() => rm(directory, { recursive: true }));

describe('secrets in files', () => {
  it('are there for every secret setting, and nothing else is touched', () => {
    const names = SETTING_LIST.filter((setting) => setting.secret).map((setting) => setting.env);
    expect(names).toContain('DATABASE_URL');
    for (const name of names) {
      expect(readSecretFiles({ [`${name}_FILE`]: join(directory, 'url'), PORT: '1' })).toMatchObject({
        [name]: URL,
        PORT: '1',
      });
    }
    expect(readSecretFiles({ PORT_FILE: join(directory, 'url'), DATABASE_URL_FILE: '' })).not.toHaveProperty('PORT');
  });

  it('stop the start with every problem, without the secret', () => {
    const env = {
      DATABASE_URL: URL,
      DATABASE_URL_FILE: join(directory, 'url'),
      DATABASE_DIRECT_URL_FILE: join(directory, 'missing'),
    };
    expect(() => readSecretFiles(env)).toThrow(
      /DATABASE_URL_FILE: DATABASE_URL is set as well[\s\S]*DATABASE_DIRECT_URL_FILE: \S+missing cannot be read: ENOENT/,
    );
    expect(() => readSecretFiles(env)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret@') }),
    );
  });
});
