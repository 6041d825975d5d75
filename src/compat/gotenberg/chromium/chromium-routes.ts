import type { FileInZip } from '../../conversion.ts';
import { POST_PROCESSING_FIELDS, readPostProcessing } from '../engines/post-processing.ts';
import type { FormRoute } from '../form-route.ts';
import { Fields } from '../fields.ts';
import { type DocumentKind, htmlDocument, markdownDocument, urlDocument } from './documents.ts';
import { PAGE_FIELDS, readPageSettings } from './page-settings.ts';
import { colorStyle, headerAndFooter, PDF_FIELDS, readPdfSettings } from './pdf-settings.ts';
import { readScreenshotSettings, SCREENSHOT_FIELDS } from './screenshot-settings.ts';

const KINDS = { html: htmlDocument, url: urlDocument, markdown: markdownDocument };

/** What Gotenberg does with Chromium: PDFs and pictures of pages. */
export const CHROMIUM_ROUTES: readonly FormRoute[] = Object.entries(KINDS).flatMap(([name, kind]) => [
  { path: `/forms/chromium/convert/${name}` as const, convert: convertWith(kind) },
  { path: `/forms/chromium/screenshot/${name}` as const, convert: screenshotWith(kind) },
]);

function convertWith(kind: DocumentKind): FormRoute['convert'] {
  return async (form, about) => {
    const fields = new Fields(form);
    const { settings, omitBackground } = readPageSettings(fields, about);
    const { options, singlePage, printBackground } = readPdfSettings(fields);
    const { finishing, every, files: added } = readPostProcessing(form, fields);
    kind.check(form, fields);
    if (omitBackground && !printBackground) fields.refuse('omitBackground', 'allowed with printBackground=true');
    fields.check();
    const { source, files } = await kind.read(form, fields, about);
    const request = {
      ...source,
      ...settings,
      options: { ...options, omitBackground, ...(await headerAndFooter(form.files)) },
      ...(singlePage && { singlePage }),
      addStyleTag: [{ content: colorStyle(printBackground) }],
      ...(Object.keys(finishing).length > 0 && { finishing }),
      ...(every !== undefined && { split: { every } }),
    };
    const name = about.outputName ?? about.uniqueName;
    const naming = { name, inZip: ({ position }: FileInZip) => `${name}_${position}.pdf` };
    const called = { ...PAGE_FIELDS, ...PDF_FIELDS, ...POST_PROCESSING_FIELDS };
    return { request, files: { ...files, ...added }, fields: called, naming };
  };
}

function screenshotWith(kind: DocumentKind): FormRoute['convert'] {
  return async (form, about) => {
    const fields = new Fields(form);
    const { settings, omitBackground } = readPageSettings(fields, about);
    const picture = readScreenshotSettings(fields, omitBackground);
    kind.check(form, fields);
    fields.check();
    const { source, files } = await kind.read(form, fields, about);
    const name = about.outputName ?? about.uniqueName;
    return {
      request: { ...source, ...settings, ...picture },
      files,
      fields: { ...PAGE_FIELDS, ...SCREENSHOT_FIELDS },
      naming: { name },
    };
  };
}
