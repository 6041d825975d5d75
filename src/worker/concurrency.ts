interface ConcurrencyOptions {
  /** documents at a time to begin with */
  initial: number;
  /** at most; the same as `initial` where the number was given */
  max: number;
  /** milliseconds, from any moment on */
  now?: () => number;
}

/** A measurement: this long, and this many documents for each slot, all slots busy throughout. */
const WINDOW_MS = 4_000;
const WINDOW_DOCUMENTS = 6;
/** One more slot has to give this much more: each takes memory, and documents wait for each other in the CPU. */
const WORTHWHILE = 1.03;
/** Milliseconds for which a choice holds before its neighbours are tried again: the documents may have changed. */
const HOLD_MS = 60_000;

/**
 * Finds how many documents at a time give the best throughput on this machine, by trying: one more,
 * then one fewer, for as long as it helps. Only what happens while every slot is busy is measured;
 * when there is little to do the choice stays.
 */
export class Concurrency {
  readonly #max: number;
  readonly #isGiven: boolean;
  readonly #now: () => number;
  #limit: number;
  /** what was found best, and its documents per millisecond; unknown until measured */
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

  /** Documents at a time, for now. */
  get limit(): number {
    return this.#limit;
  }

  /** A slot stayed free: what is measured now says nothing of how fast we are. */
  slotFree(): void {
    this.#window = undefined;
  }

  /** A document was rendered, whatever became of it. */
  documentEnded(): void {
    const now = this.#now();
    if (this.#isGiven || now < this.#heldUntil) return;
    this.#window ??= { since: now, documents: -1 }; // this one began before the window did
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
      // Fewer that are as good: the old rate stays the mark, or small losses would add up.
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
