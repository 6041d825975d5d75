import { describe, expect, it } from 'vitest';
import { fillMarkdown } from '../../src/compat/gotenberg/chromium/markdown-page.ts';
import type { SentFile } from '../../src/compat/conversion.ts';
import { downloadsOf } from '../../src/compat/gotenberg/downloads.ts';

function fileOf(name: string, text: string): SentFile {
  return { name, field: 'files', sha256: '00', size: text.length, text: () => Promise.resolve(text) };
}

describe('a page with markdown', () => {
  it('has each file made HTML once, however often it is named', async () => {
    const files = { 'a.md': fileOf('a.md', 'A'), 'b.md': fileOf('b.md', 'B') };
    const made: string[] = [];
    const toHtml = (text: string) => Promise.resolve(`<${made.push(text) && text}>`);
    const page = '{{ toHTML "a.md" }}{{ toHTML "b.md" }}-'.repeat(400);
    expect(await fillMarkdown(page, { files, toHtml })).toBe('<A><B>-'.repeat(400));
    expect(made).toEqual(['A', 'B']);
  });

  it('is refused when it becomes too long, before the rest is made', async () => {
    const names = Array.from({ length: 400 }, (_, at) => `${at}.md`);
    const files = Object.fromEntries(names.map((name) => [name, fileOf(name, name)]));
    const html = 'x'.repeat(1_900_000);
    let made = 0;
    const toHtml = () => {
      made++;
      return Promise.resolve(html);
    };
    const page = (each: (name: string) => string) => names.map((name) => `{{ toHTML "${each(name)}" }}`).join('');
    const refused = {
      code: 'invalid_request',
      fields: [{ field: 'index.html', message: expect.stringMatching(/^it becomes too long; allowed: /) }],
    };
    await expect(fillMarkdown(page(String), { files, toHtml })).rejects.toMatchObject(refused);
    expect(made).toBe(6);
    await expect(
      fillMarkdown(
        page(() => '0.md'),
        { files, toHtml },
      ),
    ).rejects.toMatchObject(refused);
    expect(made).toBe(7);
  });
});

describe('files to fetch', () => {
  const of = (text: string) => () => downloadsOf({ fields: new Map([['downloadFrom', [text]]]) });

  it.each([
    ['nested', '['.repeat(6_000) + ']'.repeat(6_000), 'at most 32 levels'],
    ['many', JSON.stringify(Array.from({ length: 20_001 }, () => 1)), 'at most 20000 values'],
    ['no JSON', '[', 'a JSON list'],
  ])('that are %s are refused', (_, text, allowed) => {
    expect(of(text)).toThrow(allowed);
  });

  it('are not looked at after 50 refusals', () => {
    const entries = Array.from({ length: 5_000 }, () => ({ url: 'https://example.com/', field: 'embeded' }));
    expect(of(JSON.stringify(entries))).toThrow(
      expect.objectContaining({ fields: Array.from({ length: 50 }, () => expect.anything()) }),
    );
    expect(of('null')()).toEqual([]);
  });
});
