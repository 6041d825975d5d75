import type { BookmarkKind } from '../../domain/finishing.ts';
import type { PDF } from '../libpdf.ts';
import { Assembly } from './assembly.ts';
import type { Part } from './part-pages.ts';

/**
 * A new PDF of pages of others, which stay as they are. Bookmarks, links, tags, page labels, attached files, forms and
 * layers are kept as far as they belong to these pages, and nothing else of the sources. Of several parts each is a
 * bookmark with its own below it, unless `bookmarks` says otherwise, and what they have in common is stored once.
 * @param parts at least one, each with at least one page
 */
export function assemble(parts: readonly Part[], bookmarks?: BookmarkKind): PDF {
  const assembly = new Assembly({ isMerge: parts.length > 1, areLinked: true, bookmarks });
  assembly.add(parts);
  return assembly.finish();
}
