import { describe, expect, it } from 'vitest';
import { brokenReferences } from '../support/references.ts';
import { listPaths, readTexts } from '../support/text-files.ts';

/** Files that may name what does not exist, and why. */
const EXEMPT: Record<string, string> = {
  'CHANGELOG.md': 'names files of earlier releases',
  'test/unit/references.test.ts': 'plants broken references',
  'test/unit/vocabulary.test.ts': 'names a page that does not exist',
};

describe('links, anchors and file names', () => {
  it('lead to something that exists', () => {
    const texts = new Map([...readTexts()].filter(([path]) => !(path in EXEMPT)));
    expect(texts.size).toBeGreaterThan(300);
    expect(brokenReferences(texts, listPaths())).toEqual([]);
  });

  const tree = ['README.md', 'docs/', 'docs/page.md', 'src/', 'src/db/', 'src/db/notifier.ts', 'test/', 'test/e2e/'];
  const page = '# A page\n\n## What `x` does, and why\n\n```sh\n# not a heading\n```\n\n## Twice\n\n## Twice\n';
  const broken = (file: string, text: string) =>
    brokenReferences(
      new Map([
        ['docs/page.md', page],
        [file, text],
      ]),
      [...tree, file],
    );

  it.each([
    [
      'README.md',
      '[a](docs/page.md) [b](docs/page.md#what-x-does-and-why) [c](docs/page.md#twice-1) ![d](docs/page.md)',
    ],
    [
      'README.md',
      '`db/notifier.ts` `src/db/` `notifier.ts` `application/pdf` `out.pdf` [w](https://example.com/no.md)',
    ],
    ['docs/other.md', '[up](../README.md) [here](#here)\n\n# Here\n'],
    ['src/db/pools.ts', '// See db/notifier.ts and docs/page.md.\nconst path = "db/gone.ts";'],
  ])('are accepted in %s: %s', (file, text) => expect(broken(file, text)).toEqual([]));

  it.each([
    ['README.md', '[a](docs/gone.md)', 'docs/gone.md'],
    ['README.md', '[a](docs/page.md#gone)', 'docs/page.md#gone'],
    ['README.md', '[a](docs/page.md#not-a-heading)', 'docs/page.md#not-a-heading'],
    ['README.md', '![a](docs/gone.svg)', 'docs/gone.svg'],
    ['README.md', 'in `db/gone.ts`', 'db/gone.ts'],
    ['README.md', 'in `src/gone`', 'src/gone'],
    ['README.md', 'in `db/gone/`', 'db/gone/'],
    ['README.md', 'in `gone.ts`', 'gone.ts'],
    ['README.md', '```sh\nnode test/gone.ts\n```', 'test/gone.ts'],
    ['docs/other.md', '[a](page.md#gone)', 'docs/page.md#gone'],
    ['src/db/pools.ts', '/** As `e2e/gone.test.ts` has it. */', 'e2e/gone.test.ts'],
    ['src/db/pools.ts', 'throw new Error("see docs/page.md#gone");', 'docs/page.md#gone'],
    ['test/rules.yml', 'runbook_url: docs/runbooks/gone.md', 'docs/runbooks/gone.md'],
    ['test/tables.sql', '-- As db/gone.ts reads it.', 'db/gone.ts'],
  ])('are refused in %s: %s', (file, text, name) => expect(broken(file, text)).toContain(`${file}: ${name}`));
});
