import { describe, expect, it } from 'vitest';
import { readTexts } from '../support/text-files.ts';
import { OLD_WORDS, oldWordsIn } from '../support/vocabulary.ts';

const within = (file: string, text: string) => oldWordsIn(new Map([[file, text]]));

describe('the private vocabulary of earlier versions', () => {
  it('is in no source, page or message', () => {
    expect(oldWordsIn(readTexts())).toEqual([]);
  });

  it('is listed with something to say instead', () => {
    expect(OLD_WORDS.filter(({ say }) => say === '')).toEqual([]);
  });

  it.each([
    ['src/db/pools.ts', '// Rings the bell.', 2],
    ['src/db/pools.ts', 'export class FencedOff extends Error {}', 1],
    ['src/db/pools.ts', 'const tenantLane = laneOf(user);', 2],
    ['docs/page.md', 'The driver is mended; the database is away.', 2],
    ['docs/page.md', 'Behind the wall of the tenant, as a sign of life.', 2],
    ['src/db/pools.ts', '/**\n * While the database is\n * away, nothing is given\n * back.\n */', 2],
    ['README.md', 'The job is given back, then put it back again.', 2],
    ['sql/0020_next.sql', '-- Whoever is told of it.', 2],
    ['grafana/dashboard.ts', "description: 'documents sacrificed, after a look'", 2],
  ])('is found in %s: %s', (file, text, count) => expect(within(file, text)).toHaveLength(count));

  it.each([
    ['src/db/pools.ts', 'const wall clock = strings.length; // brings, engine, attend, extend, pretend'],
    ['src/db/pools.ts', 'pdf_fenced_total documents_sacrificed_total pdf_given_back_total pdfprompt_lane'],
    ['docs/page.md', 'Wall time, Math.floor, no room left; look at it, they look like it.'],
    ['docs/database.md', '| insert job, insert lane | 4 / 4 | lane_pkey |'],
    ['sql/0004_fairness.sql', "-- a tenant's lane"],
  ])('is not mistaken for other words in %s: %s', (file, text) => expect(within(file, text)).toEqual([]));
});
