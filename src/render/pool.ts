import { IdleItems } from '../cache/idle-items.ts';
import type { Config } from '../config/load.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { isAlive } from '../kernel/processes.ts';
import { privateBytes, processTree, proportionalBytes } from '../memory/processes.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import type { Chromium } from './chromium.ts';
import { BrowserGone, PoolMember } from './pool-member.ts';
import { WarmPage } from './warm-page.ts';

/** Why a browser was replaced or ended. */
export type RestartReason = 'age' | 'documents' | 'memory' | 'unresponsive' | 'crashed' | 'idle' | 'pressure';

export interface PoolOptions {
  launch: () => Promise<Chromium>;
  /** `tenant`: pages are kept warm for the tenant they belong to; `job`: a new one for each document; `shared`: all tenants have the same */
  isolation: Config['renderIsolation'];
  /** browsers, at most */
  size: number;
  /** documents at a time in one browser, at most */
  pagesPerBrowser: number;
  /** pages that are kept warm, of all browsers together, at most */
  warmPages: number;
  /** milliseconds after which a browser is replaced */
  maxAgeMs: number;
  /** documents after which a browser is replaced */
  maxDocuments: number;
  /** bytes that a browser may take for each document it renders; more, and it is replaced */
  memoryLimitBytes: number;
  /** whether documents may draw with WebGL */
  webgl: boolean;
  events: Pick<Events, 'browserEnded' | 'pageTaken'>;
}

interface UseOptions {
  /** in a browser where nothing else is rendered meanwhile, which may have to be waited for */
  isAlone?: boolean;
  /** whoever aborts it wants no answer any more */
  signal?: AbortSignal | undefined;
}

/** A page and the browser it is in. */
interface Place {
  page: WarmPage;
  member: PoolMember;
}

/** Milliseconds. */
const CLOSE_TIMEOUT_MS = 3_000;
const RECONCILE_INTERVAL_MS = 1_000;
/** Between two looks at what the browsers take. */
const EXAMINE_INTERVAL_MS = 10_000;
/** Without a document: a page is dropped, a browser beside the last one is closed. */
const PAGE_IDLE_MS = 300_000;
const BROWSER_IDLE_MS = 60_000;
/** After a browser was wanted: until then it still is. */
const WANTED_MS = 60_000;
/** What a browser takes by itself, and for each warm page: measured, with room to spare. */
const BROWSER_BASE_BYTES = 300 * 1024 * 1024;
const WARM_PAGE_BYTES = 40 * 1024 * 1024;

/**
 * Pages, warm where possible, in browsers that start when they are needed and are replaced before they
 * grow old, large or silent. A page belongs to one tenant for as long as it lives.
 */
export class PagePool extends Lifecycle {
  readonly #options: PoolOptions;
  readonly #members = new Set<PoolMember>();
  readonly #idle: IdleItems<Place>;
  readonly #inUse = new Set<Place>();
  readonly #closing = new Set<Promise<void>>();
  #waiting: (() => void)[] = [];
  #launching = 0;
  #isStopping = false;
  #mayKeepPages = true;
  /** since there last was a browser: when one was wanted, for the first and for the last time */
  #wanted: { since: number; last: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #examinedAt = 0;

  constructor(options: PoolOptions) {
    super();
    this.#options = options;
    this.#idle = new IdleItems({
      max: options.warmPages,
      idleMs: PAGE_IDLE_MS,
      onDrop: (place) => this.#closePage(place),
    });
  }

  state(): Omit<RendererState, 'memoryRatio'> {
    return {
      browsers: this.#members.size,
      busy: sum([...this.#members].map((member) => member.busy)),
      warm: this.#idle.size,
      memoryBytes: sum([...this.#members].map((member) => member.bytes)),
    };
  }

  /** Milliseconds for which a browser has been wanted and none could be had. */
  get browserlessMs(): number {
    if (this.#members.size > 0 || this.#wanted === undefined) return 0;
    const { since, last } = this.#wanted;
    const now = performance.now();
    return this.#launching > 0 || now - last < WANTED_MS ? now - since : 0;
  }

  /** Process ids of the browsers, each the leader of a process group. */
  get pids(): number[] {
    return [...this.#members].map((member) => member.chromium.pid);
  }

  protected async onStart(): Promise<void> {
    this.#isStopping = false;
    // A browser that cannot start is found out here, not by the first job.
    this.#add(await PoolMember.start(this.#options.launch));
    this.#examinedAt = performance.now();
    this.#timer = setInterval(() => this.#reconcile(), RECONCILE_INTERVAL_MS);
  }

  protected async onStop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    for (const member of this.#members) this.#close(member);
    while (this.#closing.size > 0 || this.#launching > 0) {
      await Promise.all(this.#closing);
      if (this.#launching > 0) await this.#woken(); // what has started meanwhile is closed at once
    }
    this.#wake();
  }

  /**
   * Runs `work` with a page that nobody else has, and that has nothing of another tenant's or of another
   * document's in it. What went wrong in a page costs it its life.
   * @throws RendererGone or BrowserGone if that is why the work failed, whatever the work said itself
   */
  async use<T>(
    tenant: string,
    work: (page: WarmPage) => Promise<T>,
    { isAlone = false, signal }: UseOptions = {},
  ): Promise<T> {
    const owner = this.#options.isolation === 'shared' ? '' : tenant;
    const place = isAlone ? await this.#takeAlone() : await this.#take(owner);
    const { page, member } = place;
    this.#inUse.add(place);
    let isUsable = false;
    try {
      const result = await unlessAborted([page.ended, member.ended, signal], work(page));
      isUsable = true;
      return result;
    } catch (error) {
      if (this.#options.webgl && (signal?.aborted || error instanceof DeadlineExceeded)) this.#abandon(member);
      throw signal?.aborted ? error : await member.causeOf(error, page.ended, () => this.#endSilent(member));
    } finally {
      this.#inUse.delete(place);
      if (isAlone) this.#release(member);
      this.#giveBack(owner, place, isUsable);
    }
  }

  /**
   * The page that is in this renderer process, if a document is rendered there. Where a page has gone to another
   * origin, its process may be another than was known: then those that it had are gone, and it is the only such page.
   */
  pageOf(pid: number): WarmPage | undefined {
    const pages = [...this.#inUse].map(({ page }) => page);
    const [moved, ...others] = pages.filter(({ pids }) => ![...pids].some(isAlive));
    return pages.find(({ pids }) => pids.has(pid)) ?? (others.length === 0 ? moved : undefined);
  }

  /** Gives memory back: drops every warm page, and all browsers but one as soon as they are idle. */
  shrink(): void {
    this.#mayKeepPages = false;
    this.#idle.trim(0);
    const [kept] = [...this.#members].toSorted((a, b) => b.busy - a.busy);
    for (const member of this.#members) {
      if (member === kept || member.isRetiring) continue;
      this.#options.events.browserEnded('pressure');
      this.#retire(member);
    }
  }

  /** Ends {@link shrink}: pages are kept warm again, and browsers start as they are needed. */
  grow(): void {
    this.#mayKeepPages = true;
  }

  async #take(owner: string): Promise<Place> {
    for (;;) {
      if (this.#isStopping) throw new Error('Browser closed');
      const idle = this.#idle.take(owner, ({ page, member }) =>
        hasRoom(member, this.#options) ? 1 + +page.isReady : 0,
      );
      if (idle) {
        idle.member.busy++;
        if ((await idle.page.ready) && idle.page.isReady) {
          this.#options.events.pageTaken('warm');
          return idle;
        }
        this.#closePage(idle);
        this.#leave(idle.member);
        continue;
      }
      const member = await this.#findMember();
      if (!member) {
        await this.#woken();
        continue;
      }
      try {
        return await this.#open(member);
      } catch (error) {
        this.#leave(member);
        throw error;
      }
    }
  }

  /** In a new page, so that nothing of what is kept warm is lost with it. */
  async #takeAlone(): Promise<Place> {
    const member = await this.#reserveMember();
    try {
      return await this.#open(member);
    } catch (error) {
      this.#release(member);
      this.#leave(member);
      throw error;
    }
  }

  /**
   * Counted, so that it stays: a browser that is idle, or a new one, of which there may be one more than otherwise for
   * this; or else the one that is least busy, once it is idle.
   */
  async #reserveMember(): Promise<PoolMember> {
    for (;;) {
      if (this.#isStopping) throw new Error('Browser closed');
      const [member] = this.#openMembers();
      const mayLaunch = this.#members.size + this.#launching <= this.#options.size;
      if (member && (member.busy === 0 || !mayLaunch)) {
        member.isReserved = true;
        while (member.busy > 0) await this.#woken();
        if (this.#members.has(member) && member.isConnected) {
          member.busy++;
          return member;
        }
      } else if (mayLaunch) await this.#launch();
      else await this.#woken();
    }
  }

  #release(member: PoolMember): void {
    member.isReserved = false;
    if (this.#members.size > this.#options.size) this.#retire(member);
  }

  async #open(member: PoolMember): Promise<Place> {
    const opening = WarmPage.open(member.chromium, member.watch);
    const page = await unlessAborted([member.ended], opening).catch((error: unknown) => {
      // Also if its browser ended: that was no document's doing, for none was in it.
      throw new Error('a page did not open', { cause: error });
    });
    this.#options.events.pageTaken('cold');
    return { page, member };
  }

  #woken(): Promise<void> {
    return new Promise((wake) => this.#waiting.push(wake));
  }

  /** With room for one more; those that are least busy first. */
  #openMembers(): PoolMember[] {
    return [...this.#members].filter((member) => hasRoom(member, this.#options)).toSorted((a, b) => a.busy - b.busy);
  }

  /** A browser with room for one more document, which is counted; a new one if there is none; undefined if there may be none. */
  async #findMember(): Promise<PoolMember | undefined> {
    const [free] = this.#openMembers();
    if (free) {
      free.busy++;
      return free;
    }
    // Those who wait already may fill what is starting; only who does not fit in there starts one more.
    const { size, pagesPerBrowser } = this.#options;
    if (this.#launching + this.#waiting.length < this.#launching * pagesPerBrowser) return undefined;
    if (this.#members.size + this.#launching >= size) return undefined;
    const member = await this.#launch();
    member.busy++;
    return member;
  }

  async #launch(): Promise<PoolMember> {
    const now = performance.now();
    const isStill = this.#wanted !== undefined && now - this.#wanted.last < WANTED_MS;
    this.#wanted = { since: isStill && this.#wanted ? this.#wanted.since : now, last: now };
    this.#launching++;
    try {
      return this.#add(await PoolMember.start(this.#options.launch));
    } finally {
      this.#launching--;
      this.#wake();
    }
  }

  #giveBack(owner: string, place: Place, isUsable: boolean): void {
    const { page, member } = place;
    member.documents++;
    const isKept =
      isUsable && this.#mayKeepPages && !member.isRetiring && !this.#isStopping && this.#options.isolation !== 'job';
    if (isKept) {
      page.wipe();
      this.#idle.put(owner, place);
      void page.ready.then((isReady) => {
        if (isReady) return;
        this.#idle.forget((other) => other === place);
        this.#closePage(place);
      });
    } else this.#closePage(place, isUsable ? page.close() : page.kill());
    this.#leave(member);
    if (member.documents >= this.#options.maxDocuments) this.#replace(member, 'documents');
  }

  #leave(member: PoolMember): void {
    member.busy--;
    member.idleSince = performance.now();
    if (member.isRetiring && member.busy === 0) this.#close(member);
    this.#wake();
  }

  #closePage({ page, member }: Place, closed = page.close()): void {
    // A page that does not close would keep running: then the whole browser goes.
    const closing = new Deadline(CLOSE_TIMEOUT_MS)
      .race('closing a page', closed)
      .catch((error: unknown) => {
        if (error instanceof DeadlineExceeded && this.#members.has(member)) this.#replace(member, 'unresponsive');
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #add(member: PoolMember): PoolMember {
    this.#members.add(member);
    this.#wanted = undefined;
    if (this.#isStopping) this.#close(member);
    void member.exited().then((why) => {
      if (!this.#members.has(member)) return;
      this.#options.events.browserEnded('crashed');
      this.#close(member, why);
    });
    return member;
  }

  /** Starts another browser before this one takes no more, so that no document waits for it. */
  #replace(member: PoolMember, reason: RestartReason): void {
    if (member.isBeingReplaced || member.isRetiring || this.#isStopping) return;
    member.isBeingReplaced = true;
    this.#options.events.browserEnded(reason);
    const replacing = this.#launch()
      .catch(() => undefined) // the next document tries again, and says why it fails
      .then(() => this.#retire(member))
      .finally(() => this.#closing.delete(replacing));
    this.#closing.add(replacing);
  }

  /** A drawing that does not end outlives its page, in the GPU process, where those of other documents wait for it. */
  #abandon(member: PoolMember): void {
    if (!this.#members.has(member)) return;
    this.#replace(member, 'unresponsive');
    member.isRetiring = true;
  }

  #retire(member: PoolMember): void {
    member.isRetiring = true;
    if (member.busy === 0) this.#close(member);
    this.#wake();
  }

  #close(member: PoolMember, why = new BrowserGone('the browser was closed', { isFromOutside: true })): void {
    if (!this.#members.delete(member)) return;
    member.end(why);
    this.#idle.forget((place) => place.member === member);
    const closing = member.chromium.close().finally(() => {
      this.#closing.delete(closing);
      this.#wake();
    });
    this.#closing.add(closing);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** What runs in it is rendered again. */
  #endSilent(member: PoolMember): void {
    if (!this.#members.has(member)) return;
    this.#options.events.browserEnded('unresponsive');
    this.#close(member, member.silence());
  }

  #reconcile(): void {
    const now = performance.now();
    this.#idle.expire();
    for (const member of this.#members) {
      if (member.look()) this.#endSilent(member); // also one that retires: documents may still be rendered there
      if (now - member.startedAt > this.#options.maxAgeMs) this.#replace(member, 'age');
      const isIdle = member.busy === 0 && now - member.idleSince > BROWSER_IDLE_MS;
      if (isIdle && !member.isRetiring && [...this.#members].filter((other) => !other.isRetiring).length > 1) {
        this.#options.events.browserEnded('idle');
        this.#retire(member);
      }
    }
    if (now - this.#examinedAt < EXAMINE_INTERVAL_MS) return;
    this.#examinedAt = now;
    for (const member of this.#members) {
      const pids = processTree(member.chromium.pid);
      member.bytes = sum(pids.map(privateBytes));
      const allowed = this.#allowedBytes(member);
      // The exact figure takes 1 ms for each process: it is asked for only where it may matter.
      if (member.bytes > allowed * 0.8 && sum(pids.map(proportionalBytes)) > allowed) this.#replace(member, 'memory');
    }
  }

  #allowedBytes(member: PoolMember): number {
    const warm = this.#idle.count((place) => place.member === member);
    return BROWSER_BASE_BYTES + warm * WARM_PAGE_BYTES + Math.max(1, member.busy) * this.#options.memoryLimitBytes;
  }
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

function hasRoom(member: PoolMember, { pagesPerBrowser }: PoolOptions): boolean {
  return !member.isRetiring && !member.isReserved && member.isConnected && member.busy < pagesPerBrowser;
}
