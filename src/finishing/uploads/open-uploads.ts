import type { Draft } from '../draft.ts';
import { rewriteUpload } from './rewrite-upload.ts';

/** Of each PDF of the job. */
export type OpenSettings = { isUploaded: boolean; field: string; password?: string }[];

/** Rewrites those that are uploads. @throws CodedError `pdf_refused`, which names its field */
export async function openUploads(drafts: Draft[], settings: OpenSettings): Promise<Draft[]> {
  const opened: Draft[] = [];
  for (const [index, draft] of drafts.entries()) {
    const { isUploaded, field, password } = settings[index] ?? { isUploaded: true, field: 'pdf' };
    if (!isUploaded) {
      opened.push(draft);
      continue;
    }
    const { bytes, pages } = await rewriteUpload(await draft.bytes(), { field, password });
    opened.push(draft.with(bytes, { pages }));
  }
  return opened;
}
