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

describe('what is written of the settings', () => {
  it('in .env.example is what the table says (npm run docs)', () => {
    expect(read('.env.example')).toBe(envExample());
  });

  it('in the README is what the table says (npm run docs)', () => {
    const section = /<!-- settings -->([\s\S]*)<!-- \/settings -->/.exec(read('README.md'))?.[1] ?? '';
    expect(plain(section)).toBe(plain(settingsMarkdown()));
  });
});
