import { type FileType, HTML_TYPE, PDF_TYPE } from './media-type.ts';

/** How names of a job's files end; the first is the usual one. */
const ENDINGS: Record<FileType, readonly [string, ...string[]]> = {
  [PDF_TYPE]: ['.pdf'],
  'image/png': ['.png'],
  'image/jpeg': ['.jpg', '.jpeg'],
  'image/webp': ['.webp'],
  [HTML_TYPE]: ['.html', '.htm'],
  'application/json': ['.json'],
};

/** How the name of a file of this type usually ends. */
export const endingOf = (type: FileType): string => ENDINGS[type][0];

/**
 * The name of a job's file: `invoice.pdf`; of the files after the first `invoice-2.pdf`, …
 * @param name as the request says it, with or without an ending
 * @param position of the file among those of its job, from 0
 */
export function resultName(name: string, { position, type }: { position: number; type: FileType }): string {
  const endings = ENDINGS[type];
  const lower = name.toLowerCase();
  const ending = [...endings, ...ENDINGS[PDF_TYPE]].find((each) => lower.endsWith(each)) ?? '';
  const stem = name.slice(0, name.length - ending.length);
  const own = endings.includes(ending) ? name.slice(stem.length) : endings[0];
  return position === 0 ? `${stem}${own}` : `${stem}-${position + 1}${endings[0]}`;
}

/**
 * The names of files of parts, each by the name of its part: `a.pdf`, `a-2.pdf`, `b.pdf`.
 * @param files the name of its part, and its media type; undefined: a part without one, whose files have none
 * @returns no two are the same, in capitals or not
 */
export function namesOfParts(
  files: readonly { part: number; name: string | undefined; type: FileType }[],
): (string | undefined)[] {
  const taken = new Set<string>();
  const counts = new Map<number, number>();
  return files.map(({ part, name, type }) => {
    if (name === undefined) return undefined;
    let position = counts.get(part) ?? 0;
    let found = resultName(name, { position, type });
    while (taken.has(found.toLowerCase())) found = resultName(name, { position: ++position, type });
    counts.set(part, position + 1);
    taken.add(found.toLowerCase());
    return found;
  });
}

/** The name of a zip of all files of a job: `invoice.zip`. @param name as the request says it */
export function zipName(name: string): string {
  const lower = name.toLowerCase();
  const ending = [...Object.values(ENDINGS).flat(), '.zip'].find((each) => lower.endsWith(each)) ?? '';
  return `${name.slice(0, name.length - ending.length)}.zip`;
}
