import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { envExample, settingsMarkdown } from '../../src/config/reference.ts';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
/** Without what a formatter does to a table. */
const plain = (markdown: string) =>
  markdown
    .replaceAll(/-{3,}/g, '---')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();

const tableOf = (name: string) => plain(/<!-- settings -->([\s\S]*)<!-- \/settings -->/.exec(read(name))?.[1] ?? '');

describe('the lists of settings are up to date (npm run docs)', () => {
  it('.env.example', () => {
    expect(read('.env.example')).toBe(envExample());
  });

  it('README.md, with ten of them', () => {
    expect(tableOf('README.md')).toBe(plain(settingsMarkdown('main')));
    expect(settingsMarkdown('main').split('\n').length).toBe(2 + 10);
  });

  it('docs/settings.md, with all of them', () => {
    expect(tableOf('docs/settings.md')).toBe(plain(settingsMarkdown('all')));
  });
});

it('the README can be read in three minutes', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(130);
});
