import { IdleItems } from '../cache/idle-items.ts';
import type { Config } from '../config/load.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { isAlive } from '../kernel/processes.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import { BrowserPool, type BrowserPoolOptions } from './browser-pool.ts';
import type { PoolMember } from './pool-member.ts';
import { WarmPage } from './warm-page.ts';

export interface PoolOptions extends BrowserPoolOptions {
  /** `tenant`: pages are reused for the same tenant; `job`: each document gets a new page; `shared`: pages are reused for all */
  isolation: Config['renderIsolation'];
  /** most warm pages, of all browsers together */
  warmPages: number;
  /** whether documents may use WebGL */
  webgl: boolean;
  events: Pick<Events, 'browserEnded' | 'pageTaken'>;
}

interface UseOptions {
  /** in a browser without other documents, which may have to be waited for */
  isAlone?: boolean;
  /** aborts when the result is no longer wanted */
  signal?: AbortSignal | undefined;
}

/** A page and its browser. */
interface Lease {
  page: WarmPage;
  member: PoolMember;
}

const CLOSE_TIMEOUT_MS = 3_000;
const EXPIRE_INTERVAL_MS = 1_000;
/** Unused for so long, a page is closed. */
const PAGE_IDLE_MS = 300_000;

/** Pages, warm where possible, in the browsers of a {@link BrowserPool}. A page belongs to one tenant until it is closed. */
export class PagePool extends Lifecycle<PoolOptions> {
  readonly browsers: BrowserPool;
  readonly #idle: IdleItems<Lease>;
  readonly #inUse = new Set<Lease>();
  readonly #closing = new Set<Promise<void>>();
  #keepsPages = true;

  constructor(options: PoolOptions) {
    super(options);
    this.#idle = new IdleItems({
      max: options.warmPages,
      idleMs: PAGE_IDLE_MS,
      onDrop: (lease) => this.#closePage(lease),
    });
    this.browsers = new BrowserPool(options, {
      count: (member) => this.#idle.count((lease) => lease.member === member),
      forget: (member) => this.#idle.forget((lease) => lease.member === member),
    });
  }

  get state(): Omit<RendererState, 'memoryRatio'> {
    return { ...this.browsers.state, warm: this.#idle.size };
  }

  protected async onStart(): Promise<void> {
    await this.browsers.start();
    void this.repeat(EXPIRE_INTERVAL_MS, () => this.#idle.expire());
  }

  protected override async onStop(): Promise<void> {
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
    { isAlone = false, signal }: UseOptions = {},
  ): Promise<T> {
    const owner = this.options.isolation === 'shared' ? '' : tenant;
    const lease = isAlone ? await this.#open(await this.browsers.reserve(), { isAlone }) : await this.#take(owner);
    const { page, member } = lease;
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
        if ((await warm.page.ready) && warm.page.isReady) {
          events.pageTaken('warm');
          return warm;
        }
        this.#closePage(warm);
        this.browsers.leave(warm.member);
        continue;
      }
      const member = await this.browsers.find();
      if (member) return this.#open(member, { isAlone: false });
      await this.browsers.nextChange();
    }
  }

  async #open(member: PoolMember, { isAlone }: { isAlone: boolean }): Promise<Lease> {
    try {
      const page = await unlessAborted([member.ended], WarmPage.open(member.chromium, member.watch));
      this.options.events.pageTaken('cold');
      return { page, member };
    } catch (error) {
      if (isAlone) this.browsers.unreserve(member);
      this.browsers.leave(member);
      // An error of its own, also if the browser ended: there was no document in the page that could be the cause.
      throw new Error('a page did not open', { cause: error });
    }
  }

  #return(owner: string, lease: Lease, isUsable: boolean): void {
    const { page, member } = lease;
    const isReusable = isUsable && this.options.isolation !== 'job';
    if (isReusable && this.#keepsPages && !member.isRetiring && !this.browsers.isStopping) {
      page.wipe();
      this.#idle.put(owner, lease);
      void page.ready.then((isReady) => {
        if (isReady) return;
        this.#idle.forget((other) => other === lease);
        this.#closePage(lease);
      });
    } else this.#closePage(lease, isUsable ? page.close() : page.kill());
    member.documents++;
    this.browsers.leave(member);
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
