import { filledId, firstIdAt, lastIdAt } from '../domain/id-prefix.ts';
import type { JobFilter } from '../domain/job-filter.ts';

/** The first and the last id that a filter allows; undefined: any. */
export interface IdRange {
  from?: string | undefined;
  to?: string | undefined;
}

/** By the beginning of the id, and by the time of acceptance, which an id begins with (UUIDv7). */
export function idRangeOf({ id = '', after, before }: Pick<JobFilter, 'id' | 'after' | 'before'>): IdRange {
  const froms = [
    ...(id === '' ? [] : [filledId(id, '0')]),
    ...(after === undefined ? [] : [firstIdAt(Date.parse(after))]),
  ];
  const tos = [
    ...(id === '' ? [] : [filledId(id, 'f')]),
    ...(before === undefined ? [] : [lastIdAt(Date.parse(before) - 1)]),
  ];
  return { from: froms.toSorted().at(-1), to: tos.toSorted()[0] };
}
