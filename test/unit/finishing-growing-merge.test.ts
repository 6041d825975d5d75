import { describe, expect, it } from 'vitest';
import { Draft } from '../../src/finishing/draft.ts';
import { forgetReferences, PDF } from '../../src/finishing/libpdf.ts';
import { GrowingMerge, type MergedDocument } from '../../src/finishing/merge/growing-merge.ts';
import { mergeParts } from '../../src/finishing/merge/merge-parts.ts';
import { writeFiles } from '../../src/finishing/write/write-files.ts';
import { type Findings, inspectPdf } from '../support/pdf-oracle.ts';
import { qpdfProblems } from '../support/pdf-tools.ts';
import { richPdf, seeded } from '../support/rich-pdf.ts';

const about = (index: number): MergedDocument => ({ what: `row ${index}`, title: `Part ${index}`, name: '', isContinued: false }); // prettier-ignore

/** As the process of the steps does it: each group is parsed anew, and what was read before is forgotten. */
async function grow(pdfs: readonly Uint8Array[], size: number, describe = about): Promise<Buffer> {
  const merge = new GrowingMerge();
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < pdfs.length; at += size) {
    forgetReferences();
    const group = pdfs.slice(at, at + size);
    const drafts = group.map((bytes) => new Draft({ bytes, pages: 1 }));
    const { bytes } = await merge.add(drafts, group.map((_, index) => describe(at + index))); // prettier-ignore
    chunks.push(bytes);
  }
  forgetReferences();
  return Buffer.concat([...chunks, merge.finish()]);
}

/** What must not depend on how it was made. */
const comparable = (found: Findings) => ({ ...found, streams: 0, files: [...found.files] });

describe('a merge that is written while it grows', () => {
  it.for(Array.from({ length: 24 }, (_, seed) => seed + 1))(
    'has what one at once has, in groups of any size, with the seed %i',
    async (seed) => {
      const random = seeded(7_000 + seed);
      const sources: Uint8Array[] = [];
      for (let count = 2 + random(6); count > 0; count--) sources.push((await richPdf(random)).bytes);
      const drafts = sources.map((bytes) => new Draft({ bytes, pages: 1 }));
      const [draft] = await writeFiles(await mergeParts(drafts, { titles: drafts.map((_, index) => `Part ${index}`) }), { objectStreams: true, linearize: false }); // prettier-ignore
      const expected = comparable(await inspectPdf(await draft!.bytes()));
      for (const size of [1, 1 + random(sources.length), sources.length]) {
        const bytes = await grow(sources, size);
        const found = await inspectPdf(bytes);
        expect(found.problems).toEqual([]);
        expect(comparable(found)).toEqual(expected);
        expect(qpdfProblems(bytes)).toBe('');
      }
    },
  );

  it('has a tree of pages in their order, however many there are', async () => {
    for (const count of [1, 63, 64, 65, 128, 4_097]) {
      const pdf = PDF.create();
      for (let page = 0; page < Math.min(count, 63); page++) pdf.addPage({ width: 100 + page, height: 100 });
      const sources = [await pdf.save()];
      for (let page = 63; page < count; page += 2_017) {
        const more = PDF.create();
        for (let at = page; at < Math.min(count, page + 2_017); at++) more.addPage({ width: 100 + at, height: 100 });
        sources.push(await more.save());
      }
      const bytes = await grow(sources, 2);
      const found = await PDF.load(bytes);
      const widths = found.context.pages.getPages().map((_, index) => found.getPage(index)?.width);
      expect(widths).toEqual(Array.from({ length: count }, (_, page) => 100 + page));
      expect(qpdfProblems(bytes)).toBe('');
    }
  });

  it('goes on with the document before, below its bookmark', async () => {
    const random = seeded(5);
    const sources = await Promise.all(Array.from({ length: 4 }, () => richPdf(random)));
    const bytes = await grow(
      sources.map((source) => source.bytes),
      2,
      (index) => ({ ...about(index), isContinued: index === 1 || index === 2 }),
    );
    const { bookmarks, problems } = await inspectPdf(bytes);
    expect(problems).toEqual([]);
    expect(bookmarks.filter(({ level }) => level === 1).map(({ title }) => title)).toEqual(['Part 0', 'Part 3']);
    const own = sources.map(({ model }) => model.bookmarks.map(({ title }) => title));
    expect(bookmarks.filter(({ level }) => level === 2).map(({ title }) => title)).toEqual(own.flat());
  });

  it('calls a bookmark by its title, that of the document, or the name', async () => {
    const titled = PDF.create();
    titled.addPage();
    titled.setTitle('Of the document');
    const plain = PDF.create();
    plain.addPage();
    plain.setTitle('');
    const [a, b] = [await titled.save(), await plain.save()];
    const titles = ['Own', null, null];
    const bytes = await grow([a, a, b], 1, (index) => ({ ...about(index), title: titles[index] ?? null, name: 'Row 3' })); // prettier-ignore
    const { bookmarks } = await inspectPdf(bytes);
    expect(bookmarks.map(({ title, page }) => `${title}: ${page}`)).toEqual(['Own: 1', 'Of the document: 2', 'Row 3: 3']); // prettier-ignore
  });

  it('names the row of what cannot be read', async () => {
    const merge = new GrowingMerge();
    const draft = new Draft({ bytes: Buffer.from('no PDF'), pages: 1 });
    await expect(merge.add([draft], [about(7)])).rejects.toMatchObject({ code: 'job_failed', message: 'row 7: its PDF cannot be read' }); // prettier-ignore
    const locked = PDF.create();
    locked.addPage();
    locked.setProtection({ userPassword: 'a', ownerPassword: 'b' });
    const encrypted = new Draft({ bytes: await locked.save(), pages: 1 });
    await expect(merge.add([encrypted], [about(8)])).rejects.toMatchObject({ code: 'job_failed', message: 'row 8: its PDF is encrypted' }); // prettier-ignore
  });
});
