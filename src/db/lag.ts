/** Samples that are kept: ten minutes, one a second. With more, every other one is dropped. */
const MAX_SAMPLES = 600;

/** A standby's lag: how long ago, by this process's clock, the primary was where the standby is now. */
export class Lag {
  /** the primary's positions that the standby has not reached yet, oldest first */
  #samples: { lsn: bigint; at: number }[] = [];

  /** Records that the primary is at `lsn`. */
  wrote(lsn: bigint): void {
    if (this.#samples.length >= MAX_SAMPLES) this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#samples.push({ lsn, at: performance.now() });
  }

  /** Records that the standby is at `lsn`. */
  replayed(lsn: bigint): void {
    this.#samples = this.#samples.filter((sample) => sample.lsn > lsn);
  }

  get seconds(): number {
    const [oldest] = this.#samples;
    return oldest ? (performance.now() - oldest.at) / 1000 : 0;
  }
}
