import type { Finishing } from '../../domain/finishing.ts';
import { mediaTypeOf, UNKNOWN_TYPE } from '../../domain/media-type.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { Draft } from '../draft.ts';
import type { StepContext } from '../step.ts';
import { EmbeddedFiles } from './embedded-files.ts';

export type Attachments = NonNullable<Finishing['attachments']>;

/** Puts files of the job into PDFs, beside those that are there. */
export async function attach(drafts: Draft[], attachments: Attachments, { files }: StepContext): Promise<Draft[]> {
  for (const draft of drafts) {
    const embedded = new EmbeddedFiles(await draft.document());
    const taken = embedded.names;
    for (const [index, { file, name = file, mediaType, description, relationship }] of attachments.entries()) {
      const field = `finishing.attachments[${index}]`;
      const bytes = fileOf(files, file, `${field}.file`);
      if (taken.has(name)) refuseTaken(name, `${field}.name`);
      taken.add(name);
      embedded.add({ name, bytes, mediaType: mediaType ?? mediaTypeOf(name) ?? UNKNOWN_TYPE, relationship, description }); // prettier-ignore
    }
    embedded.save();
  }
  return drafts;
}

/** A file of the job. @param field for the message. @throws CodedError `finishing_invalid` if there is none */
export function fileOf(files: StepContext['files'], path: string, field: string): Uint8Array {
  const bytes = files.get(path);
  if (!bytes) throw new CodedError('finishing_invalid', `${field}: ${JSON.stringify(path)} is not among the files`);
  return bytes;
}

/** @throws CodedError `finishing_invalid` */
export function refuseTaken(name: string, field: string): never {
  throw new CodedError(
    'finishing_invalid',
    `${field}: the PDF has an attachment ${JSON.stringify(name)} already; allowed: another name`,
  );
}
