import { availableParallelism } from 'node:os';
import { IdleItems } from '../cache/idle-items.ts';
import type { Config } from '../config/load.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { isAlive } from '../kernel/processes.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import { BrowserPool, type BrowserPoolOptions } from './browser-pool.ts';
import { type PoolMember, sum } from './pool-member.ts';
import type { Lease } from './lease.ts';
import { SparePages } from './spare-pages.ts';
import { WarmPage } from './warm-page.ts';

export interface PoolOptions extends BrowserPoolOptions {
  /**
   * `tenant`: pages are reused for the same tenant; `static`: and static documents of all tenants share pages; `job`: each
   * document gets a new page; `shared`: pages are reused for all
   */
  isolation: Config['renderIsolation'];
  /** most warm pages, of all browsers together */
  warmPages: number;
  /** most pages kept ready for tenants without a warm one, at most half of `warmPages` */
  sparePages: number;
  /** bounds of a page that static documents of several tenants share, instead of {@link SHARED} */
  shared?: SharedBounds;
  /** whether documents may use WebGL */
  webgl: boolean;
  events: Pick<Events, 'browserEnded' | 'pageTaken'>;
}

interface SharedBounds {
  documents: number;
  ms: number;
}

interface UseOptions {
  /** in a browser without other documents, which may have to be waited for */
  isAlone?: boolean;
  /** on a page that tenants share: it is static and loads nothing from outside */
  isShared?: boolean;
  /** aborts when the result is no longer wanted */
  signal?: AbortSignal | undefined;
}

const CLOSE_TIMEOUT_MS = 3_000;
const EXPIRE_INTERVAL_MS = 1_000;
/** Unused for so long, a page is closed. */
const PAGE_IDLE_MS = 300_000;
/** The owner of pages that tenants share. */
const EVERYBODY = '';
/**
 * After so many documents, or so long after the first, a page that static documents of several tenants share is closed:
 * that bounds what a document sees that broke its renderer. A new page costs less than two documents.
 */
export const SHARED: SharedBounds = { documents: 200, ms: 60_000 };
/** While fewer documents are in progress, a core is free to open spare pages … */
const CORES = availableParallelism();
/** … if that lasts so long: under load it takes less until the next document begins. */
const FREE_MS = 30;

/**
 * Pages, warm where possible, in the browsers of a {@link BrowserPool}. A page belongs to one tenant until it is closed,
 * unless tenants share it as `isolation` says.
 */
export class PagePool extends Lifecycle<PoolOptions> {
  readonly browsers: BrowserPool;
  readonly #idle: IdleItems<Lease>;
  readonly #spare: SparePages;
  readonly #inUse = new Set<Lease>();
  readonly #closing = new Set<Promise<void>>();
  #keepsPages = true;
  #free: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    super(options);
    this.#idle = new IdleItems({
      max: options.warmPages,
      idleMs: PAGE_IDLE_MS,
      onDrop: (lease) => this.#closePage(lease),
    });
    this.#spare = new SparePages({
      max: Math.min(options.sparePages, Math.floor(options.warmPages / 2)),
      open: () => this.#openFresh(),
      close: (lease) => this.#closePage(lease),
      onOpened: () => this.#openSpareSoon(),
    });
    const stores = [this.#idle, this.#spare];
    this.browsers = new BrowserPool(options, {
      count: (member) => sum(stores.map((pages) => pages.count((lease) => lease.member === member))),
      forget: (member) => {
        for (const pages of stores) pages.forget((lease) => lease.member === member);
      },
    });
  }

  get state(): Omit<RendererState, 'memoryRatio'> {
    return { ...this.browsers.state, warm: this.#idle.size, spare: this.#spare.size };
  }

  protected async onStart(): Promise<void> {
    await this.browsers.start();
    void this.repeat(EXPIRE_INTERVAL_MS, () => {
      this.#idle.expire();
      for (const lease of this.#idle.forget((lease) => this.#isWorn(lease))) this.#closePage(lease);
      this.#spare.drop(({ member }) => member.isRetiring);
      this.#openSpareSoon();
    });
  }

  protected override async onStop(): Promise<void> {
    this.#stopWaiting();
    await this.browsers.stop();
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  /**
   * Runs `work` with an exclusive page without any state of another tenant or document. After a failure the page is
   * closed.
   * @throws RendererGone or BrowserGone if one of these caused the failure, and otherwise the error of `work`
   */
  async use<T>(
    tenant: string,
    work: (page: WarmPage) => Promise<T>,
    { isAlone = false, isShared = false, signal }: UseOptions = {},
  ): Promise<T> {
    const { isolation } = this.options;
    const owner = isolation === 'shared' || isShared ? EVERYBODY : tenant;
    const lease = isAlone ? await this.#open(await this.browsers.reserve(), { isAlone }) : await this.#take(owner);
    const { page, member } = lease;
    if (this.browsers.state.busy >= CORES) this.#stopWaiting();
    this.#inUse.add(lease);
    let isUsable = false;
    try {
      const result = await unlessAborted([page.ended, member.ended, signal], work(page));
      isUsable = true;
      return result;
    } catch (error) {
      // A WebGL drawing that does not end outlives its page and delays others in the GPU process.
      if (this.options.webgl && (signal?.aborted || error instanceof DeadlineExceeded))
        this.browsers.replaceHanging(member, { atOnce: true });
      throw signal?.aborted ? error : await member.causeOf(error, page.ended, () => this.browsers.endHanging(member));
    } finally {
      this.#inUse.delete(lease);
      if (isAlone) this.browsers.unreserve(member);
      this.#return(owner, lease, isUsable);
    }
  }

  /**
   * The page with a document in this renderer process. A page that has navigated to another origin may be in a process
   * that is not known yet: then its known processes have ended, and it is the only such page.
   */
  pageOf(pid: number): WarmPage | undefined {
    const pages = [...this.#inUse].map(({ page }) => page);
    const [moved, ...others] = pages.filter(({ tab }) => ![...tab.pids].some(isAlive));
    return pages.find(({ tab }) => tab.pids.has(pid)) ?? (others.length === 0 ? moved : undefined);
  }

  /** Frees memory: closes all warm pages, and all browsers but one as soon as they are idle. */
  shrink(): void {
    this.#keepsPages = false;
    this.#idle.trim(0);
    this.#spare.drop(() => true);
    this.browsers.shrink();
  }

  /** Ends {@link shrink}: pages are kept warm again. */
  grow(): void {
    this.#keepsPages = true;
  }

  async #take(owner: string): Promise<Lease> {
    const { pagesPerBrowser, events } = this.options;
    for (;;) {
      if (this.browsers.isStopping) throw new Error('Browser closed');
      const warm = this.#idle.take(owner, ({ page, member }) =>
        member.hasCapacity(pagesPerBrowser) ? 1 + +page.isReady : 0,
      );
      if (warm) {
        warm.member.busy++;
        if ((await warm.page.ready) && warm.page.isReady && !this.#isWorn(warm)) {
          events.pageTaken('warm');
          return warm;
        }
        this.#closePage(warm);
        this.browsers.leave(warm.member);
        continue;
      }
      const isFree = ({ page, member }: Lease) => page.isReady && member.hasCapacity(pagesPerBrowser);
      const spare = this.#spare.take(isFree) ?? (await this.#spare.next());
      if (!spare && this.browsers.isStopping) continue;
      if (spare && !isFree(spare)) {
        this.#closePage(spare);
        continue;
      }
      if (spare) {
        spare.member.busy++;
        events.pageTaken('spare');
        return spare;
      }
      const member = await this.browsers.find();
      if (member) return this.#open(member, { isAlone: false });
      await this.browsers.nextChange();
    }
  }

  async #open(member: PoolMember, { isAlone }: { isAlone: boolean }): Promise<Lease> {
    try {
      const lease = await openPage(member);
      this.options.events.pageTaken('cold');
      return lease;
    } catch (error) {
      if (isAlone) this.browsers.unreserve(member);
      this.browsers.leave(member);
      // An error of its own, also if the browser ended: there was no document in the page that could be the cause.
      throw new Error('a page did not open', { cause: error });
    }
  }

  #return(owner: string, lease: Lease, isUsable: boolean): void {
    const { page, member } = lease;
    if (this.options.isolation !== 'shared' && owner === EVERYBODY) {
      lease.shared ??= { documents: 0, since: performance.now() };
      lease.shared.documents++;
    }
    const isReusable = isUsable && this.options.isolation !== 'job' && !this.#isWorn(lease);
    if (isReusable && this.#keepsPages && !member.isRetiring && !this.browsers.isStopping) {
      page.wipe({ isShared: lease.shared !== undefined });
      this.#idle.put(owner, lease);
      this.#idle.trim(this.options.warmPages - this.#spare.total);
      void page.ready.then((isReady) => {
        if (isReady) return;
        this.#idle.forget((other) => other === lease);
        this.#closePage(lease);
      });
    } else this.#closePage(lease, isUsable ? page.close() : page.kill());
    member.documents++;
    this.browsers.leave(member);
    this.#openSpareSoon();
  }

  /** Opens a spare page as soon as there is nothing better to do for a moment. */
  #openSpareSoon(): void {
    if (this.browsers.state.busy >= CORES) return;
    this.#free ??= setTimeout(() => {
      this.#free = undefined;
      if (this.#keepsPages && !this.browsers.isStopping) this.#spare.fill();
    }, FREE_MS).unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#free);
    this.#free = undefined;
  }

  #openFresh(): Promise<Lease> | undefined {
    const member = this.browsers.leastBusy;
    if (!member) return undefined;
    this.#idle.trim(this.options.warmPages - this.#spare.total - 1);
    return openPage(member);
  }

  /** Whether tenants have shared the page for long enough, or it has loaded something. */
  #isWorn({ page, shared }: Lease): boolean {
    if (!shared) return false;
    const { documents, ms } = this.options.shared ?? SHARED;
    const isOld = shared.documents >= documents || performance.now() - shared.since >= ms;
    return isOld || page.watch.touchedNetwork;
  }

  #closePage({ page, member }: Lease, closed = page.close()): void {
    const closing = new Deadline(CLOSE_TIMEOUT_MS)
      .race('closing a page', closed)
      .catch((error: unknown) => {
        // A page that does not close keeps running, so the whole browser has to end.
        if (error instanceof DeadlineExceeded) this.browsers.replaceHanging(member, { atOnce: false });
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

async function openPage(member: PoolMember): Promise<Lease> {
  return { page: await unlessAborted([member.ended], WarmPage.open(member.chromium, member.watch)), member };
}
