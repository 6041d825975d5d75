import { type PDF, PdfArray, type PdfDict, type PdfObject, type PdfRef, PdfStream } from '../libpdf.ts';
import { resolved } from './page-geometry.ts';
import { balanceContent } from './balance-content.ts';

/** The streams of a page's content, in order; those that are damaged are left out. */
function streamsOf(pdf: PDF, contents: PdfObject | undefined): { refs: PdfObject[]; streams: PdfStream[] } {
  const found = resolved(pdf, contents);
  const parts = found instanceof PdfArray ? found.toArray() : contents ? [contents] : [];
  const pairs = parts.map((part) => [part, resolved(pdf, part)] as const);
  const whole = pairs.filter((pair): pair is readonly [PdfObject, PdfStream] => pair[1] instanceof PdfStream);
  return { refs: whole.map(([ref]) => ref), streams: whole.map(([, stream]) => stream) };
}

/** A page's content in one stream with nothing else: of a page with a single one as it is. */
export function wholeContent(pdf: PDF, page: PdfDict): PdfStream {
  const { streams } = streamsOf(pdf, page.get('Contents'));
  const [only] = streams;
  if (only && streams.length === 1) {
    const filters = ['Filter', 'DecodeParms'].flatMap((key): [string, PdfObject][] => {
      const value = resolved(pdf, only.get(key));
      return value === undefined ? [] : [[key, value]];
    });
    return new PdfStream(filters, only.data);
  }
  return new PdfStream([], joined(streams));
}

/** A line break is between two streams of a page, by the standard. */
const joined = (streams: readonly PdfStream[]) =>
  Buffer.concat(streams.flatMap((stream) => [decodedContent(stream), Buffer.from('\n')]));

/** Of a stream that cannot be decoded a reader shows nothing either. */
export function decodedContent(stream: PdfStream): Uint8Array {
  try {
    return stream.getDecodedData();
  } catch {
    return new Uint8Array();
  }
}

/** What a page's own content is put between. */
export interface Around {
  before: PdfRef;
  after: PdfRef;
}

/**
 * Puts content around a page's own, which other pages may share and which stays as it is.
 * @param isTrusted whether the page's own is known to end what it begins
 * @param around makes what is before and after it; `missing`: operators that end what it leaves open
 */
export function surround(
  pdf: PDF,
  page: PdfDict,
  { isTrusted }: { isTrusted: boolean },
  around: (missing: string) => Around,
): void {
  const { refs, streams } = streamsOf(pdf, page.get('Contents'));
  const content = isTrusted ? undefined : joined(streams);
  const found = content && balanceContent(content);
  const { before, after } = around(found?.missing ?? '');
  let own = refs;
  if (content && found && (found.isChanged || found.end < content.length))
    own = [pdf.register(new PdfStream([], content.subarray(0, found.end)))];
  page.set('Contents', new PdfArray([before, ...own, after]));
}
