import { type Bookmark, isArchive, MAX_BOOKMARKS, type ResultSettings } from './finishing.ts';
import { isPicture, type Output } from './output.ts';

const SPLITS = ['every', 'at', 'ranges'] as const;

type Refuse = (path: PropertyKey[], message: string) => void;

/** Steps that make a file of the PDF: pictures have none of them. */
const FOR_PDF_ONLY = ['images', 'properties', 'bookmarks', 'attachments', 'facturx', 'conformance', 'linearize', 'encrypt', 'sign'] as const; // prettier-ignore

/** Calls `refuse` for each field that excludes another. */
export function checkResult({ finishing, split, output }: ResultSettings, refuse: Refuse): void {
  if (output) checkOutput(output, refuse);
  const arePictures = isPicture(output);
  for (const [field, value] of Object.entries({ finishing, split }))
    if (output?.type === 'json' && value) refuse([field], 'json says what is in PDFs as they are; allowed with others');
  if (output?.type === 'json') return;
  if (arePictures && split) refuse(['split'], `${output.type} has a file for each page; allowed with pdf only`);
  if (arePictures && finishing && output.pages === undefined)
    refuse(['finishing'], `a picture of the page has no PDF; allowed with output.pages`);
  if (output?.type === 'html')
    for (const [field, value] of Object.entries({ split, finishing }))
      if (value) refuse([field], 'html has no PDF; allowed with output pdf');
  if (!finishing) return;
  const { conformance = [], facturx, encrypt, attachments, linearize, sign } = finishing;
  if (arePictures)
    for (const step of FOR_PDF_ONLY)
      if (finishing[step]) refuse(['finishing', step], `pictures have none; allowed with output pdf`);
  const archive = conformance.find(isArchive);
  const claim = archive ?? (facturx && 'facturx');
  if (encrypt && claim) refuse(['finishing', 'encrypt'], `${claim} forbids encryption`);
  const archives = new Set(conformance.filter(isArchive));
  if (archives.size > 1) refuse(['finishing', 'conformance'], `allowed: only one of ${[...archives].join(', ')}`);
  const older = [...archives].find((each) => each !== 'PDF/A-3b');
  if (older && facturx) refuse(['finishing', 'facturx'], `it is PDF/A-3b, not ${older}`);
  if (older && attachments) refuse(['finishing', 'attachments'], `${older} forbids them; allowed with PDF/A-3b`);
  if (facturx && split && SPLITS.some((name) => split[name] !== undefined))
    refuse(['split'], 'an invoice is one file; allowed without finishing.facturx, or with parts alone');
  if (linearize && sign)
    refuse(
      ['finishing', 'linearize'],
      'a signature is appended, so that the file is no longer linearized; allowed without sign',
    );
  const bookmarks = typeof finishing.bookmarks === 'string' ? 0 : countBookmarks(finishing.bookmarks);
  if (bookmarks > MAX_BOOKMARKS) refuse(['finishing', 'bookmarks'], `allowed: at most ${MAX_BOOKMARKS}`);
}

function checkOutput(output: Output, refuse: Refuse): void {
  const arePictures = isPicture(output);
  const allow = (fields: readonly (keyof Output)[], isAllowed: boolean, message: string) => {
    for (const field of fields) if (output[field] !== undefined && !isAllowed) refuse(['output', field], message);
  };
  allow(['quality'], arePictures && output.type !== 'png', `${output.type} has none; allowed with jpeg and webp`);
  allow(
    ['pages', 'dpi', 'fullPage', 'clip', 'selector', 'omitBackground'],
    arePictures,
    'allowed with png, jpeg and webp',
  );
  if (!arePictures) return;
  const ofPage = ['fullPage', 'clip', 'selector'] as const;
  allow(
    [...ofPage, 'omitBackground'],
    output.pages === undefined,
    'allowed without pages: for a picture of the page itself',
  );
  allow(
    ['dpi'],
    output.pages !== undefined,
    'allowed with pages only; viewport.deviceScaleFactor is for the page itself',
  );
  allow(['omitBackground'], output.type !== 'jpeg', 'jpeg is never transparent; allowed with png and webp');
  const named = ofPage.filter((field) => output[field] !== undefined && output[field] !== false);
  if (named[1]) refuse(['output', named[1]], `allowed: only one of ${ofPage.join(', ')}`);
}

const countBookmarks = (list: readonly Bookmark[] = []): number =>
  list.reduce((sum, { children }) => sum + 1 + countBookmarks(children), 0);
