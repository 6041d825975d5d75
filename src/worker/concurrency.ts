interface ConcurrencyOptions {
  /** documents at a time to begin with */
  initial: number;
  /** at most; the same as `initial` where the number was given */
  max: number;
  /** a clock, in milliseconds */
  now?: () => number;
}

/** A measurement takes at least this long, and this many documents for each slot. All slots are busy throughout. */
const WINDOW_MS = 4_000;
const WINDOW_DOCUMENTS = 6;
/** One more slot must raise the throughput by this factor: it takes memory, and documents compete for the CPU. */
const WORTHWHILE = 1.03;
/** Milliseconds after which the limit is tuned again: the documents may have changed. */
const HOLD_MS = 60_000;

/**
 * Finds how many documents at a time give the best throughput on this machine. It tries one more, then one fewer, for
 * as long as that helps. It measures only while every slot is busy: with little to do the limit stays as it is.
 */
export class Concurrency {
  readonly #max: number;
  readonly #isGiven: boolean;
  readonly #now: () => number;
  #limit: number;
  /** the best limit so far, and its documents per millisecond; undefined until measured */
  #best: { limit: number; rate: number } | undefined;
  #step: 1 | -1 = 1;
  #heldUntil = 0;
  #window: { since: number; documents: number } | undefined;

  constructor({ initial, max, now = () => performance.now() }: ConcurrencyOptions) {
    this.#limit = initial;
    this.#max = max;
    this.#isGiven = initial === max;
    this.#now = now;
  }

  /** Documents at a time. */
  get limit(): number {
    return this.#limit;
  }

  /** A slot stayed free, which makes this measurement useless. */
  slotFree(): void {
    this.#window = undefined;
  }

  /** A document was rendered, with any outcome. */
  documentEnded(): void {
    const now = this.#now();
    if (this.#isGiven || now < this.#heldUntil) return;
    this.#window ??= { since: now, documents: -1 }; // this document began before the window
    const window = this.#window;
    window.documents++;
    const ms = now - window.since;
    if (ms < WINDOW_MS || window.documents < WINDOW_DOCUMENTS * this.#limit) return;
    this.#window = undefined;
    this.#judge(window.documents / ms);
  }

  #judge(rate: number): void {
    if (!this.#best) {
      this.#best = { limit: this.#limit, rate };
      this.#try(this.#step);
      return;
    }
    const isBetter = this.#step === 1 ? rate > this.#best.rate * WORTHWHILE : rate * WORTHWHILE > this.#best.rate;
    if (isBetter) {
      // With fewer that are as good the old rate stays the reference. Otherwise small losses would add up.
      this.#best = { limit: this.#limit, rate: Math.max(rate, this.#best.rate) };
      this.#try(this.#step);
    } else if (this.#step === 1) this.#try(-1);
    else this.#hold();
  }

  #try(step: 1 | -1): void {
    const from = this.#best?.limit ?? this.#limit;
    this.#step = step;
    const next = from + step;
    if (next >= 1 && next <= this.#max) this.#limit = next;
    else if (step === 1) this.#try(-1);
    else this.#hold();
  }

  #hold(): void {
    this.#limit = this.#best?.limit ?? this.#limit;
    this.#best = undefined;
    this.#step = 1;
    this.#heldUntil = this.#now() + HOLD_MS;
  }
}
