import { createHash } from 'node:crypto';
import type { Naming } from '../../compat/conversion.ts';
import { endingOf } from '../../domain/result-name.ts';
import { getJobFile, getJobZip } from '../../jobs/read.ts';
import type { AppContext } from '../route.ts';
import { etagOf, type SendDeps, sendFoundFile } from '../send-pdf.ts';
import { reader, sendFiles } from '../send-zip.ts';
import { zipSize } from '../../kernel/zip-stream.ts';

/**
 * Streams what a job has made: its file, or a zip if it has several, named as the caller expects it.
 * @throws CodedError before the first byte if it cannot be sent
 */
export async function sendResult(
  c: AppContext,
  deps: SendDeps,
  { userId, jobId }: { userId: string; jobId: string },
  { name, inZip }: Naming,
): Promise<Response> {
  const { underWay } = c.var;
  const which = { userId, jobId };
  const zip = await underWay.reading(userId, () => getJobZip(deps.reads, which));
  if (zip.files.length === 1) {
    const found = await underWay.reading(userId, () => getJobFile(deps.reads, { ...which, position: 0 }));
    const file = { ...found, filename: `${name}${endingOf(found.type)}` };
    return sendFoundFile(c, deps, { ...which, file, headers: { ETag: etagOf(file) }, disposition: 'attachment' });
  }
  const counts = new Map<number | null, number>();
  const nextOf = (part: number | null) => {
    const count = counts.get(part) ?? 0;
    counts.set(part, count + 1);
    return count;
  };
  const files = zip.files.map((file, position) => ({
    ...file,
    name: inZip?.({ position, own: file.name, part: file.part, positionInPart: nextOf(file.part) }) ?? file.name,
    read: reader(c, deps, { userId, ...file }),
  }));
  const etag = `"${createHash('sha256')
    .update(JSON.stringify(files.map((file) => [file.name, file.sha256])))
    .digest('hex')}"`;
  return sendFiles(c, deps, {
    about: which,
    name: `${name}.zip`,
    disposition: 'attachment',
    at: zip.completedAt,
    size: zipSize(files),
    files,
    etag,
    headers: { ETag: etag },
  });
}
