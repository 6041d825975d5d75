import type { PdfDescription, PdfDescriptions } from '../../domain/pdf-description.ts';
import { FACTURX_SCHEMA } from '../archive/xmp.ts';
import { propertiesIn } from '../archive/kept-xmp.ts';
import { identificationOf } from '../check/check-metadata.ts';
import type { XmpProperty } from '../check/xmp.ts';
import { Draft } from '../draft.ts';
import { Source } from '../merge/source.ts';
import { pageGeometry } from '../overlay/page-geometry.ts';
import { isDone, runQpdf } from '../qpdf.ts';
import { rewriteUpload } from '../uploads/rewrite-upload.ts';
import { attachmentsOf } from './attachments-of.ts';
import { bookmarksOf } from './bookmarks-of.ts';
import { propertiesOf } from './properties-of.ts';

/** Of each PDF of the job. */
export type DescribeSettings = { isUploaded: boolean; field: string; password?: string; filename?: string }[];

const JSON_TYPE = 'application/json';

/** One file that says what is in all of them. @throws CodedError `pdf_refused`, which names its field */
export async function describePdfs(drafts: Draft[], settings: DescribeSettings): Promise<Draft[]> {
  const files: PdfDescription[] = [];
  for (const [part, draft] of drafts.entries()) {
    const { isUploaded, field, password, filename = null } = settings[part] ?? { isUploaded: true, field: 'pdf' };
    const own = isUploaded ? await opened(draft, { field, password }) : { draft, isEncrypted: false, isSigned: false };
    const { draft: readable, ...protection } = own;
    files.push({ part, filename, ...(await describe(readable)), ...protection });
  }
  const bytes = Buffer.from(JSON.stringify({ files } satisfies PdfDescriptions));
  return [new Draft({ bytes, pages: 1, type: JSON_TYPE })];
}

/** An upload is read as it is written anew, which takes out what protects it: that is asked before. */
async function opened(draft: Draft, about: { field: string; password: string | undefined }) {
  const bytes = await draft.bytes();
  const rewritten = await rewriteUpload(bytes, about);
  return {
    draft: draft.with(rewritten.bytes, { pages: rewritten.pages }),
    isEncrypted: await isEncrypted(bytes, about.password),
    isSigned: rewritten.dropped.includes('signatures'),
  };
}

/** @param password that may open it; one that is not needed does no harm */
async function isEncrypted(bytes: Uint8Array, password: string | undefined): Promise<boolean> {
  const given = password === undefined ? [] : [`--password=${password}`];
  const run = await runQpdf(bytes, ['--json', '--json-key=encrypt', ...given, '/in.pdf', '/out.json']);
  if (isDone(run)) {
    const { encrypt } = JSON.parse(Buffer.from(run.read('/out.json')).toString()) as {
      encrypt?: { encrypted?: unknown };
    };
    return encrypt?.encrypted === true;
  }
  return password !== undefined && isEncrypted(bytes, undefined);
}

type Described = Omit<PdfDescription, 'part' | 'filename' | 'isEncrypted' | 'isSigned'>;

async function describe(draft: Draft): Promise<Described> {
  const document = await draft.document();
  const source = new Source(document);
  const xmp = propertiesIn(document) ?? [];
  const { archive, universal } = identificationOf(xmp);
  const form = source.dict(source.catalog, 'AcroForm');
  return {
    pages: source.pages.length,
    pageSizes: source.pages.map((_, index) => {
      const { width, height } = pageGeometry(document, source.page(index)).sheet;
      return { width: rounded(width), height: rounded(height) };
    }),
    version: document.version,
    hasForm: source.items(form, 'Fields').length > 0,
    properties: propertiesOf(source, xmp),
    bookmarks: bookmarksOf(source),
    attachments: attachmentsOf(source),
    conformance: [
      ...(archive ? [`PDF/A-${archive.part}${archive.level.toLowerCase()}`] : []),
      ...(universal === undefined ? [] : [`PDF/UA-${universal}`]),
    ],
    facturx: facturxOf(xmp),
  };
}

/** Thousandths of a point. */
const rounded = (side: number) => Math.round(side * 1_000) / 1_000;

function facturxOf(xmp: readonly XmpProperty[]): PdfDescription['facturx'] {
  const said = (wanted: string) => {
    const found = xmp.find(({ space, name }) => space === FACTURX_SCHEMA && name === wanted)?.value;
    return found?.kind === 'text' ? found.text.trim() : null;
  };
  const level = said('ConformanceLevel');
  return level === null ? null : { level, documentType: said('DocumentType'), version: said('Version') };
}
