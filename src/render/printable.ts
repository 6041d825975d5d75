import type { Part } from '../domain/pdf-request.ts';
import type { ServedOrigin } from '../egress/served-origin.ts';
import type { Content } from '../sources/source-type.ts';

/** What is printed, and how. */
export type Printable = Omit<Part, 'source'> & {
  content: Content;
  /** whether it is a document of `html` without scripts */
  isStatic: boolean;
  /** where it is loaded from, if it has an origin of its own */
  ownOrigin: ServedOrigin | undefined;
  /** that were embedded in it; all of them are loaded before it is printed */
  fonts?: { origin: ServedOrigin; count: number } | undefined;
};
