import type { JobFilter } from '../domain/job-filter.ts';

/** The first and the last id that a filter allows; undefined: any. */
export interface IdRange {
  from?: string | undefined;
  to?: string | undefined;
}

/** By the beginning of the id, and by the time of acceptance, which an id begins with (UUIDv7). */
export function idRangeOf({ id = '', after, before }: Pick<JobFilter, 'id' | 'after' | 'before'>): IdRange {
  const froms = [
    ...(id === '' ? [] : [filled(id, '0')]),
    ...(after === undefined ? [] : [filled(digitsAt(after), '0')]),
  ];
  const tos = [
    ...(id === '' ? [] : [filled(id, 'f')]),
    ...(before === undefined ? [] : [filled(digitsAt(before, 1), 'f')]),
  ];
  return { from: froms.toSorted().at(-1), to: tos.toSorted()[0] };
}

/** Milliseconds, as the first digits of an id of that time. @param earlier milliseconds */
const digitsAt = (time: string, earlier = 0) =>
  Math.max(0, Date.parse(time) - earlier)
    .toString(16)
    .padStart(12, '0');

function filled(start: string, digit: string): string {
  const digits = start.replaceAll('-', '').padEnd(32, digit);
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}
