import type { Split } from '../../domain/finishing.ts';
import { pageSelectionIsOpen, selectPages } from '../../domain/page-selection.ts';
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

/** Turns pages, beside what they are turned already. @throws CodedError if a selection has a page of no draft */
export async function rotatePages(drafts: Draft[], rotate: Rotate): Promise<Draft[]> {
  const turns = typeof rotate === 'number' ? [{ angle: rotate, pages: '' }] : rotate;
  const most = Math.max(...drafts.map((draft) => draft.pages));
  for (const [index, { pages = '' }] of turns.entries()) pagesOf(`finishing.rotate[${index}].pages`, pages, most);
  for (const draft of drafts) {
    const angles = new Map<number, number>();
    for (const { angle, pages = '' } of turns)
      for (const page of selectPages(pages, draft.pages)) angles.set(page - 1, (angles.get(page - 1) ?? 0) + angle);
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
    const selections = selectionsOf(split, draft.pages);
    const [only] = selections;
    if (selections.length === 1 && only?.length === draft.pages) files.push(draft);
    else {
      const source = new Source(await draft.document());
      files.push(...selections.map((pages) => assembled(draft, source, pages)));
    }
    if (files.length > MAX_FILES) throw invalid(`split: it gives more than ${MAX_FILES} files`);
  }
  return files;
}

const assembled = ({ isUploaded, part }: Draft, source: Source, pages: readonly number[]): Draft =>
  Draft.of(assemble([{ source, pages }]), { isUploaded, part });

/** Indexes of the pages of each file. @throws CodedError */
function selectionsOf({ parts, every, at = [], ranges }: Split, total: number): number[][] {
  if (ranges) return rangesOf(ranges, total);
  if (every === undefined) {
    // Parts differ in length: those without the page are not divided there.
    const beyond = parts ? -1 : at.findIndex((page) => page > total);
    if (beyond >= 0) throw invalid(`split.at[${beyond}]: ${at[beyond]} is after the last page; the PDF has ${total}`);
    const firsts = [...new Set([1, ...at])].filter((page) => page <= total).toSorted((a, b) => a - b);
    return between(firsts.map((page) => page - 1), total); // prettier-ignore
  }
  const count = Math.ceil(total / every);
  if (count > MAX_FILES)
    throw invalid(`split.every: ${every} gives ${count} files of ${total} pages; allowed: at most ${MAX_FILES} files`);
  return between(Array.from({ length: count }, (_, index) => index * every), total); // prettier-ignore
}

/** All pages from each of these indexes to the next. */
const between = (firsts: readonly number[], total: number): number[][] =>
  firsts.map((first, index) => Array.from({ length: (firsts[index + 1] ?? total) - first }, (_, page) => first + page));

/** A range of pages that a short document has not, such as `5-`, is no file. */
function rangesOf(ranges: readonly string[], total: number): number[][] {
  const found = ranges.map((range, index) => {
    const pages = selectPages(range, total).map((page) => page - 1);
    if (pages.length === 0 && !pageSelectionIsOpen(range))
      throw invalid(`split.ranges[${index}]: "${range}" fits no page; the PDF has ${total}`);
    return pages;
  });
  const files = found.filter((pages) => pages.length > 0);
  if (files.length === 0) throw invalid(`split.ranges: none of them fits a page; the PDF has ${total}`);
  return files;
}

/** @returns indexes, at least one */
function pagesOf(field: string, selection: string, total: number): number[] {
  const pages = selectPages(selection, total);
  if (pages.length === 0) throw invalid(`${field}: "${selection}" fits no page; the PDF has ${total}`);
  return pages.map((page) => page - 1);
}

const invalid = (message: string) => new CodedError('finishing_invalid', message);
