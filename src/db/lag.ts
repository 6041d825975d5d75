/** More than ten minutes of looks are thinned out. */
const MAX_SAMPLES = 600;

/** How long ago it is that the primary was where its standby is now, by our own clock. */
export class Lag {
  /** where the primary was and when, from the first that the standby has not reached */
  #samples: { lsn: bigint; at: number }[] = [];

  /** The primary is at `lsn`. */
  wrote(lsn: bigint): void {
    if (this.#samples.length >= MAX_SAMPLES) this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#samples.push({ lsn, at: performance.now() });
  }

  /** The standby is at `lsn`. */
  replayed(lsn: bigint): void {
    this.#samples = this.#samples.filter((sample) => sample.lsn > lsn);
  }

  get seconds(): number {
    const [oldest] = this.#samples;
    return oldest ? (performance.now() - oldest.at) / 1000 : 0;
  }
}
