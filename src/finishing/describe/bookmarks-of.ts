import type { DescribedBookmark } from '../../domain/pdf-description.ts';
import { destinationPage } from '../merge/destinations.ts';
import { readOutline, type SourceItem } from '../merge/outline.ts';
import type { Source } from '../merge/source.ts';

/** The bookmarks of a PDF, nested. */
export const bookmarksOf = (source: Source): DescribedBookmark[] => described(source, readOutline(source));

const described = (source: Source, items: readonly SourceItem[]): DescribedBookmark[] =>
  items.map(({ dict, children }) => {
    const action = source.dict(dict, 'A');
    const target = source.name(action, 'S') === 'GoTo' ? action?.get('D') : dict.get('Dest');
    const page = destinationPage(source, target);
    return {
      title: source.string(dict, 'Title')?.asString() ?? '',
      page: page === undefined ? null : page + 1,
      ...(children.length > 0 && { children: described(source, children) }),
    };
  });
