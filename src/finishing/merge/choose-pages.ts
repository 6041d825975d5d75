import type { Split } from '../../domain/finishing.ts';
import { selectPages } from '../../domain/page-selection.ts';
import { CodedError } from '../../kernel/errors.ts';
import { Draft } from '../draft.ts';
import { assemble } from './assemble.ts';
import { normalAngle, Source } from './source.ts';
import { PdfNumber } from '../libpdf.ts';

/** As `finishing.rotate` says it. */
export type Rotate = number | readonly { angle: number; pages?: string | undefined }[];

/** Files of one job. */
const MAX_FILES = 1_000;

/** Keeps the pages of a selection, in its order. @throws CodedError if there is none of them */
export async function keepPages(drafts: Draft[], selection: string): Promise<Draft[]> {
  const kept: Draft[] = [];
  for (const draft of drafts) {
    const pages = pagesOf('finishing.pages', selection, draft.pages);
    const isAll = pages.length === draft.pages && pages.every((page, index) => page === index);
    kept.push(isAll ? draft : assembled(draft, new Source(await draft.document()), pages));
  }
  return kept;
}

/** Turns pages, beside what they are turned already. @throws CodedError if a selection has none of the pages */
export async function rotatePages(drafts: Draft[], rotate: Rotate): Promise<Draft[]> {
  const turns = typeof rotate === 'number' ? [{ angle: rotate, pages: '' }] : rotate;
  for (const draft of drafts) {
    const angles = new Map<number, number>();
    for (const [index, { angle, pages = '' }] of turns.entries())
      for (const page of pagesOf(`finishing.rotate[${index}].pages`, pages, draft.pages))
        angles.set(page, (angles.get(page) ?? 0) + angle);
    const source = new Source(await draft.document());
    for (const [page, angle] of angles)
      source.page(page).set('Rotate', PdfNumber.of(normalAngle(source.rotation(page) + angle)));
  }
  return drafts;
}

/** Makes several files of one. @throws CodedError if the PDF has not the pages, or there would be too many files */
export async function splitPages(drafts: Draft[], split: Split): Promise<Draft[]> {
  const files: Draft[] = [];
  for (const draft of drafts) {
    const starts = startsOf(split, draft.pages);
    if (starts.length === 1) files.push(draft);
    if (starts.length === 1) continue;
    const source = new Source(await draft.document());
    for (const [index, start] of starts.entries()) {
      const length = (starts[index + 1] ?? draft.pages) - start;
      files.push(
        assembled(
          draft,
          source,
          Array.from({ length }, (_, page) => start + page),
        ),
      );
    }
  }
  return files;
}

const assembled = ({ isUploaded }: Draft, source: Source, pages: readonly number[]): Draft =>
  Draft.of(assemble([{ source, pages }]), { isUploaded });

/** Indexes of the first pages of the files. */
function startsOf(split: Split, total: number): number[] {
  if ('every' in split) {
    const count = Math.ceil(total / split.every);
    if (count > MAX_FILES)
      throw invalid(`split.every: ${split.every} gives ${count} files of ${total} pages; allowed: at most ${MAX_FILES} files`); // prettier-ignore
    return Array.from({ length: count }, (_, index) => index * split.every);
  }
  for (const [index, page] of split.at.entries())
    if (page > total) throw invalid(`split.at[${index}]: ${page} is after the last page; the PDF has ${total}`);
  return [...new Set([1, ...split.at])].toSorted((a, b) => a - b).map((page) => page - 1);
}

/** @returns indexes, at least one */
function pagesOf(field: string, selection: string, total: number): number[] {
  const pages = selectPages(selection, total);
  if (pages.length === 0) throw invalid(`${field}: "${selection}" fits no page; the PDF has ${total}`);
  return pages.map((page) => page - 1);
}

const invalid = (message: string) => new CodedError('finishing_invalid', message);
