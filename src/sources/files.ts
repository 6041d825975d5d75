import { CodedError, OperatorError } from '../kernel/errors.ts';
import { htmlWithFiles } from './document-files.ts';
import { decodeHtml } from './html-encoding.ts';
import { markdownToHtml } from './markdown.ts';
import { readFile } from './read-file.ts';
import type { SourceType } from './source-type.ts';

/** Bytes of the document's own file: what may be sent as `html`. */
const MAX_DOCUMENT = 10 * 1024 * 1024;

export const files: SourceType<'files'> = {
  shown: () => undefined,
  load: async ({ entry }, context) => {
    const folder = context.files;
    const bytes = folder && (await readFile(folder, entry, MAX_DOCUMENT));
    if (!bytes) throw new CodedError('job_failed', `files: ${entry} is missing, or larger than ${MAX_DOCUMENT} bytes`);
    try {
      if (entry.endsWith('.md')) return await htmlWithFiles(await markdownToHtml(decodeHtml(bytes), context), [folder]);
      return await htmlWithFiles(decodeHtml(bytes), [folder], `/${entry}`);
    } catch (error) {
      throw error instanceof OperatorError ? new CodedError('job_failed', `files: ${entry}: ${error.message}`) : error;
    }
  },
};
