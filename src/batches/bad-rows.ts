import type { BadRow } from '../domain/batch.ts';
import { fieldWithin } from '../domain/field-path.ts';
import { CodedError, type FieldProblem } from '../kernel/errors.ts';

/** Problems that are listed, at most. */
const MAX_LISTED = 1_000;
/** And in the message. */
const MAX_SHOWN = 3;

/** The rows of a batch that are not valid. */
export class BadRows {
  readonly listed: BadRow[] = [];
  #count = 0;

  /** of rows */
  get count(): number {
    return this.#count;
  }

  /** @param problems of one row; fields are those of the item */
  add(row: number, problems: readonly FieldProblem[]): void {
    this.#count++;
    for (const { field, message } of problems.slice(0, MAX_LISTED - this.listed.length))
      this.listed.push({ row, field: fieldWithin(`items[${row - 1}]`, field), message });
  }

  /** @param total rows, the good ones included */
  refusal(total: number): CodedError {
    const shown = this.listed.slice(0, MAX_SHOWN).map(({ field, row, message }) => `${field} (row ${row}): ${message}`);
    const more = this.#count > shown.length ? '; …' : '';
    const rows = this.#count === 1 ? '1 row' : `${this.#count} rows`;
    const listed = this.listed.length === MAX_LISTED ? `; the first ${MAX_LISTED} problems are listed` : '';
    return new CodedError(
      'invalid_request',
      `${rows} of ${total} cannot be accepted${listed}: ${shown.join('; ').slice(0, 1_500)}${more}`,
      { fields: this.listed },
    );
  }
}
