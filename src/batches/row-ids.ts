import { randomBytes, randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Bytes of chance that an id takes. */
const RANDOM_BYTES = 16;

/** Makes the ids of the items of one batch: UUIDs of version 7 in the order of the rows. */
export class RowIds {
  /** all have the same time, so that a clock that is set back changes nothing */
  readonly #msecs = Date.now();
  readonly #first = randomInt(2 ** 31);

  /** Taken together, because chance by chance takes longer than all the rest. */
  of(rows: readonly { row: number }[]): string[] {
    const random = randomBytes(RANDOM_BYTES * rows.length);
    return rows.map(({ row }, index) =>
      uuidv7({
        msecs: this.#msecs,
        seq: this.#first + row,
        random: random.subarray(RANDOM_BYTES * index, RANDOM_BYTES * (index + 1)),
      }),
    );
  }
}
