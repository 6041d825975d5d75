import type { Files } from '../kernel/files.ts';
import { CodedError } from '../kernel/errors.ts';
import { documentLocale } from './document-locale.ts';
import { htmlWithFiles } from './document-files.ts';
import { readFile } from './read-file.ts';
import type { SourceType } from './source-type.ts';

/** The files of a template that are Liquid, strings or a schema; it has no use for the others while it is filled in. */
const TEXT = /^locales\/[^/]+\.json$|^schema\.json$|\.(?:html|liquid|md)$/;
/** Bytes of all of them together. */
const MAX_TEXT = 10 * 1024 * 1024;
const DEFAULT_TIMEZONE = 'UTC';

export const template: SourceType<'template'> = {
  shown: ({ name }) => name,
  load: async ({ name, data }, { settings, version, files, compose }) => {
    const own = version?.files ?? files;
    if (!own) throw new CodedError('template_failed', `${name}: it has no files`);
    const html = await compose({
      kind: 'template',
      name,
      ...(version && { key: version.key }),
      texts: await textsOf(own, name),
      data,
      locale: documentLocale(settings),
      timezone: settings.timezone ?? DEFAULT_TIMEZONE,
    });
    return htmlWithFiles(html, version ? [files, own] : [own]);
  },
};

async function textsOf(files: Files, template: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  let left = MAX_TEXT;
  for (const name of files.names) {
    if (!TEXT.test(name)) continue;
    const bytes = await readFile(files, name, left);
    if (!bytes)
      throw new CodedError('template_failed', `${template}: ${name}: its text is larger than ${MAX_TEXT} bytes`);
    left -= bytes.byteLength;
    texts[name] = new TextDecoder().decode(bytes);
  }
  return texts;
}
