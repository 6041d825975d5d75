import type { Conformance } from '../../domain/finishing.ts';
import {
  type PDF,
  PdfArray,
  PdfBool,
  PdfDict,
  PdfName,
  PdfNumber,
  type PdfRef,
  PdfStream,
  PdfString,
} from '../libpdf.ts';
import { cureArchive1 } from './cure-archive-1.ts';
import { EmbeddedFiles } from './embedded-files.ts';
import { pagesOf } from './pages.ts';
import type { IccVersion } from './icc-writer.ts';
import { srgbProfile } from './srgb-profile.ts';

const INTENT = 'GTS_PDFA1';
/** Annotations are printed. */
const PRINT = 4;
/** Forms in forms that are looked into. */
const MAX_LEVELS = 30;

/**
 * Gives a PDF what PDF/A wants besides metadata: what its colours mean, and nothing that is forbidden and harmless.
 * @param isAsked whether it is to be PDF/A; else it says that it is, and looks as it did if it no longer is
 */
export function cureArchive(pdf: PDF, archive: Conformance, { isAsked = true } = {}): void {
  const isOld = archive === 'PDF/A-1b';
  if (isOld) cureArchive1(pdf, { mayFlatten: isAsked });
  addOutputIntent(pdf, isOld ? 2 : 4);
  new EmbeddedFiles(pdf).complete();
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const seen = new Set<PdfDict>();
  for (const page of pagesOf(pdf)) {
    for (const annotation of page.annotations) if (!annotation.has('F')) annotation.set('F', PdfNumber.of(PRINT));
    if (page.resources) calmImages(page.resources, resolve, seen, 0);
  }
}

/** @param version of the profile */
function addOutputIntent(pdf: PDF, version: IccVersion): void {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const catalog = pdf.context.catalog.getDict();
  const intents = catalog.getArray('OutputIntents', resolve) ?? new PdfArray();
  for (let index = 0; index < intents.length; index++) {
    const intent = intents.at(index, resolve);
    if (intent instanceof PdfDict && intent.getName('S', resolve)?.value === INTENT) return;
  }
  const profile = PdfStream.fromDict({ N: PdfNumber.of(3) }, srgbProfile(version));
  const intent = PdfDict.of({
    Type: PdfName.of('OutputIntent'),
    S: PdfName.of(INTENT),
    OutputConditionIdentifier: PdfString.fromString('sRGB'),
    Info: PdfString.fromString('sRGB IEC61966-2.1'),
    DestOutputProfile: pdf.context.register(profile),
  });
  intents.push(pdf.context.register(intent));
  if (!catalog.has('OutputIntents')) catalog.set('OutputIntents', intents);
}

/** Images are shown as they are: interpolating them is forbidden. */
function calmImages(
  resources: PdfDict,
  resolve: (ref: PdfRef) => ReturnType<PDF['context']['resolve']>,
  seen: Set<PdfDict>,
  level: number,
): void {
  if (seen.has(resources) || level > MAX_LEVELS) return;
  seen.add(resources);
  const xObjects = resources.getDict('XObject', resolve);
  for (const name of xObjects?.keys() ?? []) {
    const xObject = xObjects?.get(name, resolve);
    if (!(xObject instanceof PdfStream)) continue;
    if (xObject.getBool('Interpolate', resolve)?.value) xObject.set('Interpolate', PdfBool.FALSE);
    const inner = xObject.getDict('Resources', resolve);
    if (inner) calmImages(inner, resolve, seen, level + 1);
  }
}
