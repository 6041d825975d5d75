import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import type { Conformance } from '../../src/domain/finishing.ts';
import { checkPdf } from '../../src/finishing/check/check-pdf.ts';
import { type RuleId, RULES, sameInArchive1 } from '../../src/finishing/check/rules.ts';
import { ARCHIVE_CASES } from '../support/archive-cases.ts';
import { ConformingPdf } from '../support/conforming-pdf.ts';
import { OLD_ARCHIVE_CASES, OLD_ARCHIVE_RIGHT, oldPdf } from '../support/old-archive-cases.ts';
import { RIGHT_TAGS, UNIVERSAL_CASES } from '../support/universal-cases.ts';

const CASES = [...ARCHIVE_CASES, ...UNIVERSAL_CASES];
const CLAIMS: readonly Conformance[] = ['PDF/A-3b', 'PDF/UA-1'];
const IDS = Object.keys(RULES) as RuleId[];
const SOURCES = new URL('../../src/finishing/check/', import.meta.url);

/** Rules that no case breaks. Make a case for a new rule, rather than an entry here. */
const WITHOUT_CASE: readonly RuleId[] = [
  'A1 6.1.12-7',
  'A1 6.1.3-2',
  'A1 6.3.7-3',
  '6.1.13-2',
  '6.1.13-7',
  '6.1.3-2',
  '6.2.11.4.2-1',
  '6.2.11.6-4',
  '6.2.8.3-1',
  '6.2.8.3-2',
  '6.2.8.3-3',
  '6.2.8.3-4',
  '6.2.8.3-5',
  'UA 7.21.4.2-1',
  'UA 7.21.6-4',
];

/** The rules that are broken, as rules.ts names them. */
async function broken(pdf: ConformingPdf, claims: readonly Conformance[]): Promise<RuleId[]> {
  const findings = await checkPdf(pdf.bytes(), claims);
  return findings.map((finding) => {
    const own = `${finding.clause}-${finding.rule.split('-').at(-1)}`;
    const id = IDS.find((each) => (each === own || each.endsWith(` ${own}`)) && RULES[each].claims.includes(finding.claim)); // prettier-ignore
    return id as RuleId;
  });
}

/** Rules of PDF/A-1b that are the same. */
const sameRules = (rules: readonly RuleId[]) => rules.map(sameInArchive1).filter((rule) => rule !== undefined);

/** Rules of PDF/A-1b that a PDF of the later parts breaks anyhow. */
const BROKEN_ANYHOW = new Set<RuleId>(['A1 6.1.11-1', 'A1 6.1.11-2', 'A1 6.2.2-1', 'A1 6.7.11-2']);

test('a PDF that conforms has no findings', async () => {
  expect(await checkPdf(new ConformingPdf().bytes(), CLAIMS)).toEqual([]);
});

describe('what is wrong is found', () => {
  test.each(CASES.map(([what, change, ...rules]) => ({ what, change, rules })))('$what: $rules', async ({ change, rules }) => {
    const pdf = new ConformingPdf();
    change(pdf);
    const claims = rules.some((rule) => rule.startsWith('A2')) ? (['PDF/A-2b'] as const) : CLAIMS;
    expect(await broken(pdf, claims)).toEqual(expect.arrayContaining(rules));
  }); // prettier-ignore
});

describe('of PDF/A-1b', () => {
  it.each(OLD_ARCHIVE_RIGHT)('%s is right', async (_, change) => {
    const pdf = oldPdf();
    change(pdf);
    expect(await checkPdf(pdf.bytes(), ['PDF/A-1b'])).toEqual([]);
  });

  it.each(OLD_ARCHIVE_CASES.map(([what, change, ...rules]) => ({ what, change, rules })))('$what: $rules', async ({ change, rules }) => {
    const pdf = oldPdf();
    change(pdf);
    expect(await broken(pdf, ['PDF/A-1b'])).toEqual(expect.arrayContaining(rules));
  }); // prettier-ignore

  const SAME = ARCHIVE_CASES.map(([what, change, ...rules]) => ({
    what,
    change,
    rules: sameRules(rules).filter((rule) => !BROKEN_ANYHOW.has(rule)),
  }));
  it.each(SAME.filter(({ rules }) => rules.length > 0))('$what: $rules, as of the later parts', async ({ change, rules }) => {
    const pdf = new ConformingPdf();
    change(pdf);
    expect(await broken(pdf, ['PDF/A-1b'])).toEqual(expect.arrayContaining(rules));
  }); // prettier-ignore
});

describe.each(['NonStruct', 'Div', 'Part'])('a group %s around each tag', (group) => {
  it('allows nothing more', async () => {
    for (const [what, change, ...rules] of UNIVERSAL_CASES) {
      const pdf = new ConformingPdf({ group });
      change(pdf);
      expect({ what, found: await broken(pdf, CLAIMS) }).toEqual({ what, found: expect.arrayContaining(rules) });
    }
  });

  it('forbids nothing', async () => {
    for (const pdf of [new ConformingPdf(), new ConformingPdf({ group })]) {
      RIGHT_TAGS(pdf);
      expect(await checkPdf(pdf.bytes(), CLAIMS)).toEqual([]);
    }
  });
});

test('every rule has a case that breaks it, but those that are listed', () => {
  const all = [...CASES, ...OLD_ARCHIVE_CASES].flatMap(([, , ...rules]) => rules);
  const covered = new Set<RuleId>([...all, ...sameRules(all)]);
  expect(IDS.filter((id) => !covered.has(id)).toSorted()).toEqual(WITHOUT_CASE.toSorted());
});

test('every rule is reported somewhere', () => {
  const source = readdirSync(SOURCES)
    .filter((file) => file !== 'rules.ts')
    .map((file) => readFileSync(new URL(file, SOURCES), 'utf8'))
    .join('\n');
  /** Those of fonts are reported for both standards at once, by the end of their names. */
  const ends = (id: string) => [id, id.replace(/^(?:6\.2\.11|UA 7\.21)\./, '')];
  const isReported = (id: RuleId) => ends(id).some((name) => source.includes(`'${name}'`));
  const older = new Set(sameRules(IDS.filter(isReported)));
  expect(IDS.filter((id) => !isReported(id) && !older.has(id))).toEqual([]);
});

const FORM = '/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 20 0 R /Y 21 0 R >> >>';
const HUGE = Array.from({ length: 20_000 }, () => '<00000000> <ffffffff> <0041>').join('\n');

const HOSTILE: Record<string, (pdf: ConformingPdf) => unknown> = {
  'a structure in a circle': (pdf) => pdf.swap('paragraph', '/K 1', '/K [19 0 R 13 0 R 1]').swap('document', '/P 11 0 R', '/P 13 0 R'),
  'pages in a circle': (pdf) => pdf.swap('pages', '[3 0 R]', '[3 0 R 2 0 R]'),
  'bookmarks in a circle': (pdf) => pdf.put('catalog', `/Outlines << /First ${pdf.add('/Title (x) /Next 20 0 R /First 20 0 R /Parent 20 0 R')} >>`),
  'parents of marked content in a circle': (pdf) => pdf.swap('structure', '/ParentTree <<', `/ParentTree << /Kids [${pdf.add('/Kids [20 0 R 20 0 R]')}]`),
  'forms that draw themselves and each other': (pdf) => {
    const content = '/X Do /Y Do '.repeat(1_000);
    pdf.add(FORM, content);
    pdf.add(FORM, content);
    pdf.put('resources', '/XObject << /X 20 0 R >>').draw('/X Do');
  },
  'texts of huge ranges that overlap': (pdf) => pdf.put('font', `/ToUnicode ${pdf.add('', `1 beginbfrange ${HUGE} endbfrange`)}`),
  'widths of huge ranges that overlap': (pdf) => {
    const widths = '0 2000000000 600 '.repeat(20_000);
    const descendant = pdf.add(`/Type /Font /Subtype /CIDFontType2 /BaseFont /Tiny /CIDToGIDMap /Identity /FontDescriptor 6 0 R /W [${widths}]`);
    const font = pdf.add(`/Type /Font /Subtype /Type0 /BaseFont /Tiny /Encoding /Identity-H /DescendantFonts [${descendant}]`);
    pdf.swap('resources', '/F1 5 0 R', `/F1 5 0 R /F2 ${font}`).draw('BT /F2 9 Tf <0001> Tj ET');
  },
}; // prettier-ignore

test.each(Object.entries(HOSTILE))('%s: the check ends', async (_, change) => {
  const pdf = new ConformingPdf();
  change(pdf);
  const start = process.cpuUsage();
  await checkPdf(pdf.bytes(), CLAIMS).catch((error: unknown) => expect(error).toHaveProperty('name', 'QpdfFailed'));
  expect(process.cpuUsage(start).user).toBeLessThan(10_000_000); // microseconds
});
