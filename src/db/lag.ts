/** More than ten minutes of looks are thinned out. */
const MAX_LOOKS = 600;

/** How long ago it is that the primary was where its standby is now, by our own clock. */
export class Lag {
  /** where the primary was and when, from the first that the standby has not reached */
  #looks: { lsn: bigint; at: number }[] = [];

  /** The primary is at `lsn`. */
  wrote(lsn: bigint): void {
    if (this.#looks.length >= MAX_LOOKS) this.#looks = this.#looks.filter((_, index) => index % 2 === 0);
    this.#looks.push({ lsn, at: performance.now() });
  }

  /** The standby is at `lsn`. */
  replayed(lsn: bigint): void {
    this.#looks = this.#looks.filter((look) => look.lsn > lsn);
  }

  get seconds(): number {
    const [oldest] = this.#looks;
    return oldest ? (performance.now() - oldest.at) / 1000 : 0;
  }
}
