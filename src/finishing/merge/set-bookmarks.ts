import type { Bookmark } from '../../domain/finishing.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { Draft } from '../draft.ts';
import { PdfName, PdfString } from '../libpdf.ts';
import { topOfPage } from './destinations.ts';
import { type OutlineItem, OutlineWriter } from './outline.ts';
import { Source } from './source.ts';

/** Puts these bookmarks where others were. @throws CodedError if one leads to a page that is not there */
export async function setBookmarks(drafts: Draft[], bookmarks: readonly Bookmark[]): Promise<Draft[]> {
  for (const draft of drafts) await replace(draft, bookmarks, 'finishing.bookmarks');
  return drafts;
}

/** The same for each PDF of the job; null: it keeps its own. @throws CodedError */
export async function setBookmarksOfParts(
  drafts: Draft[],
  lists: readonly (readonly Bookmark[] | null)[],
): Promise<Draft[]> {
  for (const [index, draft] of drafts.entries()) {
    const bookmarks = lists[index];
    if (bookmarks) await replace(draft, bookmarks, `parts[${index}].bookmarks`);
  }
  return drafts;
}

async function replace(draft: Draft, bookmarks: readonly Bookmark[], field: string): Promise<void> {
  checkPages(bookmarks, field, draft.pages);
  const document = await draft.document();
  const catalog = document.getCatalog();
  const writer = new OutlineWriter(document);
  writer.add(itemsOf(bookmarks, new Source(document)));
  const outline = writer.finish();
  if (outline) {
    catalog.set('Outlines', outline);
    catalog.set('PageMode', PdfName.of('UseOutlines'));
    return;
  }
  catalog.delete('Outlines');
  if (catalog.getName('PageMode')?.value === 'UseOutlines') catalog.delete('PageMode');
}

function checkPages(bookmarks: readonly Bookmark[], field: string, total: number): void {
  for (const [index, { page, children = [] }] of bookmarks.entries()) {
    if (page > total)
      throw new CodedError('finishing_invalid', `${field}[${index}].page: ${page}; allowed: 1 to ${total}, the pages of the PDF`); // prettier-ignore
    checkPages(children, `${field}[${index}].children`, total);
  }
}

const itemsOf = (bookmarks: readonly Bookmark[], source: Source): OutlineItem[] =>
  bookmarks.map(({ title, page, children = [] }) => {
    const ref = source.pages[page - 1];
    return {
      title: PdfString.fromString(title),
      destination: ref && topOfPage(source, page - 1, ref),
      isOpen: true,
      children: itemsOf(children, source),
    };
  });
