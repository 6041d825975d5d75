/** `7`, `7-9`, `7-` or `-9` */
const RANGE = /^(?:\d{1,7}|\d{1,7}\s*-(?:\s*\d{1,7})?|-\s*\d{1,7})$/;

/** @returns undefined for valid page ranges such as `1-5, 8, 11-`, and for an empty text, which stands for all pages */
export function pageRangesProblem(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  for (const part of text.split(',')) {
    const range = part.trim();
    if (!RANGE.test(range)) return 'allowed: page numbers and ranges such as "1-5, 8, 11-"';
    const [from = '', until = ''] = range.split('-').map((page) => page.trim());
    if ([from, until].some((page) => /^0+$/.test(page))) return `${range}: pages are counted from 1`;
    if (until !== '' && Number(from) > Number(until))
      return `${range}: allowed: from the first page to the last, ${until}-${from}`;
  }
  return undefined;
}
