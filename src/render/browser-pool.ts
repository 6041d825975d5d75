import { Lifecycle } from '../kernel/lifecycle.ts';
import { isStopped } from '../kernel/processes.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import type { Chromium } from './chromium.ts';
import { BrowserGone, PoolMember, sum } from './pool-member.ts';

/** Why a browser was replaced or ended. */
type RestartReason = 'age' | 'documents' | 'memory' | 'unresponsive' | 'crashed' | 'idle' | 'pressure';

export interface BrowserPoolOptions {
  launch: () => Promise<Chromium>;
  /** most browsers */
  size: number;
  /** most documents at a time in one browser */
  pagesPerBrowser: number;
  /** milliseconds after which a browser is replaced */
  maxAgeMs: number;
  /** documents after which a browser is replaced */
  maxDocuments: number;
  /** bytes per document in progress; a browser that uses more is replaced */
  memoryLimitBytes: number;
  events: Pick<Events, 'browserEnded'>;
}

/** What the browsers' pool asks and reports about warm pages. */
interface WarmPages {
  count: (member: PoolMember) => number;
  forget: (member: PoolMember) => void;
}

const RECONCILE_INTERVAL_MS = 1_000;
const MEASURE_INTERVAL_MS = 10_000;
/** Unused for so long, a browser is closed, unless it is the last one. */
const IDLE_MS = 60_000;
/** After its last launch attempt, a browser counts as needed for so long. */
const NEEDED_MS = 60_000;
/** Memory of a browser itself and per warm page: measured values plus a margin. */
const BROWSER_BASE_BYTES = 300 * 1024 * 1024;
const WARM_PAGE_BYTES = 40 * 1024 * 1024;

/** Browsers that start on demand and are replaced when they become old, large or unresponsive. */
export class BrowserPool extends Lifecycle<BrowserPoolOptions> {
  readonly #warmPages: WarmPages;
  readonly #members = new Set<PoolMember>();
  /** closings and replacements in progress */
  readonly #pending = new Set<Promise<void>>();
  #waiting: (() => void)[] = [];
  #launching = 0;
  /** first and last launch attempt since there was a browser */
  #needed: { since: number; last: number } | undefined;
  #measuredAt = 0;

  constructor(options: BrowserPoolOptions, warmPages: WarmPages) {
    super(options);
    this.#warmPages = warmPages;
  }

  get state(): Omit<RendererState, 'memoryRatio' | 'warm' | 'spare'> {
    const members = [...this.#members];
    return {
      browsers: members.length,
      busy: sum(members.map(({ busy }) => busy)),
      memoryBytes: sum(members.map(({ bytes }) => bytes)),
    };
  }

  /** Milliseconds for which a browser has been needed but could not be started. */
  get browserlessMs(): number {
    if (this.#members.size > 0 || this.#needed === undefined) return 0;
    const { since, last } = this.#needed;
    const now = performance.now();
    return this.#launching > 0 || now - last < NEEDED_MS ? now - since : 0;
  }

  /** Process ids of the browsers; each is the leader of a process group. */
  get pids(): number[] {
    return [...this.#members].map((member) => member.chromium.pid);
  }

  get isStopping(): boolean {
    return this.ending.aborted;
  }

  protected async onStart(): Promise<void> {
    await this.#launch(); // so that a browser that cannot start fails the start and not the first job
    this.#measuredAt = performance.now();
    void this.repeat(RECONCILE_INTERVAL_MS, () => this.#reconcile());
  }

  protected override async onStop(): Promise<void> {
    for (const member of this.#members) this.#close(member);
    while (this.#pending.size > 0 || this.#launching > 0) {
      await Promise.all(this.#pending);
      if (this.#launching > 0) await this.nextChange(); // a browser that starts now is closed at once
    }
    this.#notifyWaiting();
  }

  /** Resolves when a browser may be free that was not before. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A browser for one more document, counted as busy: a new one if none is free; undefined if there are too many. */
  async find(): Promise<PoolMember | undefined> {
    let [member] = this.#leastBusyFirst();
    if (!member) {
      // Documents that wait already will use the browsers that are starting: start one more only for what exceeds them.
      const { size, pagesPerBrowser } = this.options;
      if (this.#launching + this.#waiting.length < this.#launching * pagesPerBrowser) return undefined;
      if (this.#members.size + this.#launching >= size) return undefined;
      member = await this.#launch();
    }
    member.busy++;
    return member;
  }

  /** The least busy browser that takes another page. None is started. */
  get leastBusy(): PoolMember | undefined {
    return this.#leastBusyFirst()[0];
  }

  /**
   * A browser for one document alone, counted as busy: an idle one or a new one, which may exceed `size` by one, or
   * otherwise the least busy one after its documents are done.
   */
  async reserve(): Promise<PoolMember> {
    for (;;) {
      if (this.isStopping) throw new Error('Browser closed');
      const [member] = this.#leastBusyFirst();
      const mayLaunch = this.#members.size + this.#launching <= this.options.size;
      if (member && (member.busy === 0 || !mayLaunch)) {
        member.isReserved = true;
        while (member.busy > 0) await this.nextChange();
        if (this.#members.has(member) && member.isConnected) {
          member.busy++;
          return member;
        }
      } else if (mayLaunch) await this.#launch();
      else await this.nextChange();
    }
  }

  /** Ends {@link reserve}. */
  unreserve(member: PoolMember): void {
    member.isReserved = false;
    if (this.#members.size > this.options.size) this.#retire(member);
  }

  /** Counts a document as gone from its browser. */
  leave(member: PoolMember): void {
    member.busy--;
    member.idleSince = performance.now();
    if (member.isRetiring && member.busy === 0) this.#close(member);
    this.#notifyWaiting();
    if (member.documents >= this.options.maxDocuments) this.#replace(member, 'documents');
  }

  /** Replaces a browser in which something keeps running. @param atOnce whether it takes no other document meanwhile */
  replaceHanging(member: PoolMember, { atOnce }: { atOnce: boolean }): void {
    if (!this.#members.has(member)) return;
    this.#replace(member, 'unresponsive');
    if (atOnce) member.isRetiring = true;
  }

  /** Ends a browser that does not answer. Its documents are rendered again elsewhere. */
  endHanging(member: PoolMember): void {
    if (!this.#members.has(member)) return;
    this.options.events.browserEnded('unresponsive');
    const isFromOutside = isStopped(member.chromium.pid);
    this.#close(member, new BrowserGone('the browser did not answer', { isFromOutside }));
  }

  /** Closes all browsers but one as soon as they are idle. */
  shrink(): void {
    const [kept] = [...this.#members].toSorted((a, b) => b.busy - a.busy);
    for (const member of this.#members) {
      if (member === kept || member.isRetiring) continue;
      this.options.events.browserEnded('pressure');
      this.#retire(member);
    }
  }

  #notifyWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** The browsers that take another document. */
  #leastBusyFirst(): PoolMember[] {
    const free = [...this.#members].filter((member) => member.hasCapacity(this.options.pagesPerBrowser));
    return free.toSorted((a, b) => a.busy - b.busy);
  }

  async #launch(): Promise<PoolMember> {
    const now = performance.now();
    const isStillNeeded = this.#needed !== undefined && now - this.#needed.last < NEEDED_MS;
    this.#needed = { since: isStillNeeded && this.#needed ? this.#needed.since : now, last: now };
    this.#launching++;
    try {
      const member = await PoolMember.start(this.options.launch);
      this.#members.add(member);
      this.#needed = undefined;
      if (this.isStopping) this.#close(member);
      void member.exited().then((reason) => {
        if (!this.#members.has(member)) return;
        this.options.events.browserEnded('crashed');
        this.#close(member, reason);
      });
      return member;
    } finally {
      this.#launching--;
      this.#notifyWaiting();
    }
  }

  /** Starts another browser before this one stops taking documents, so that no document has to wait. */
  #replace(member: PoolMember, reason: RestartReason): void {
    if (member.isBeingReplaced || member.isRetiring || this.isStopping) return;
    member.isBeingReplaced = true;
    this.options.events.browserEnded(reason);
    const launched = this.#launch().catch(() => undefined); // the next document launches again and reports the error
    this.#addPending(launched.then(() => this.#retire(member)));
  }

  #retire(member: PoolMember): void {
    member.isRetiring = true;
    if (member.busy === 0) this.#close(member);
    this.#notifyWaiting();
  }

  #close(member: PoolMember, reason = new BrowserGone('the browser was closed', { isFromOutside: true })): void {
    if (!this.#members.delete(member)) return;
    member.end(reason);
    this.#warmPages.forget(member);
    this.#addPending(member.chromium.close().finally(() => this.#notifyWaiting()));
  }

  #addPending(work: Promise<void>): void {
    const pending = work.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  #reconcile(): void {
    const now = performance.now();
    for (const member of this.#members) {
      if (member.isHanging()) this.endHanging(member); // also if it is retiring: it may still have documents
      if (now - member.startedAt > this.options.maxAgeMs) this.#replace(member, 'age');
      const isIdle = member.busy === 0 && now - member.idleSince > IDLE_MS;
      if (isIdle && !member.isRetiring && [...this.#members].filter((other) => !other.isRetiring).length > 1) {
        this.options.events.browserEnded('idle');
        this.#retire(member);
      }
    }
    if (now - this.#measuredAt < MEASURE_INTERVAL_MS) return;
    this.#measuredAt = now;
    for (const member of this.#members) if (member.exceeds(this.#allowedBytes(member))) this.#replace(member, 'memory');
  }

  #allowedBytes(member: PoolMember): number {
    const documents = Math.max(1, member.busy);
    const warm = this.#warmPages.count(member);
    return BROWSER_BASE_BYTES + warm * WARM_PAGE_BYTES + documents * this.options.memoryLimitBytes;
  }
}
