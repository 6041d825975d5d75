import { unlessAborted } from '../kernel/abort.ts';
import { Deadline } from '../kernel/deadline.ts';
import type { Lease } from './lease.ts';
import type { WarmPage } from './warm-page.ts';

interface SparePagesOptions {
  /** most pages, with the one that is being opened */
  max: number;
  /** opens a page without a document in a browser that runs; undefined: none can take it now */
  open: () => Promise<Lease> | undefined;
  close: (lease: Lease) => void;
  /** called when a page has opened: there may be time for another one */
  onOpened: () => void;
}

/** A page that is being opened. */
interface Opening {
  /** of a document that waits for it */
  claim?: PromiseWithResolvers<Lease | undefined>;
}

const PRIME_TIMEOUT_MS = 5_000;
/** After two in a row that did not open: one may be lost with its browser. Otherwise an idle worker would try again each second, which takes a tenth of a core. */
const PAUSE_MS = 10_000;

/**
 * A document of ours with what most documents have: text in a usual font, regular and bold, and a table. The first print
 * in a process loads fonts and code: this one takes some 30 ms of CPU, and saves an invoice as much.
 */
const ASCII = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 33 + index)).replaceAll(/[<&]/g, '');
const NEUTRAL_DOCUMENT = `<!doctype html><meta charset="utf-8"><body style="font-family: Helvetica, Arial, sans-serif">
<p>${ASCII}</p><p><b>${ASCII}</b></p><table style="border-collapse: collapse"><tr><td style="border: 1px solid">1</table>`;

/** Pages that no document has used, kept ready for tenants without a warm one. Each is given away once, for good. */
export class SparePages {
  readonly #options: SparePagesOptions;
  #ready: Lease[] = [];
  #opening: Opening | undefined;
  #failures = 0;
  #pausedUntil = -Infinity;

  constructor(options: SparePagesOptions) {
    this.#options = options;
  }

  /** Those that are ready. */
  get size(): number {
    return this.#ready.length;
  }

  /** With the one that is being opened. */
  get total(): number {
    return this.#ready.length + (this.#opening ? 1 : 0);
  }

  /** Begins to open one if there are too few. */
  fill(): void {
    if (this.#opening || this.#ready.length >= this.#options.max || performance.now() < this.#pausedUntil) return;
    const opened = this.#options.open();
    if (opened) void this.#add(opened);
  }

  /** @returns one that is ready */
  take(isFit: (lease: Lease) => boolean): Lease | undefined {
    const index = this.#ready.findIndex(isFit);
    return index === -1 ? undefined : this.#ready.splice(index, 1)[0];
  }

  /** @returns the one that is being opened, unless somebody waits for it already; undefined if it does not open */
  async next(): Promise<Lease | undefined> {
    if (!this.#opening || this.#opening.claim) return undefined;
    this.#opening.claim = Promise.withResolvers();
    return this.#opening.claim.promise;
  }

  /** Removes pages without closing them: they no longer exist. @returns them */
  forget(isGone: (lease: Lease) => boolean): Lease[] {
    const gone = this.#ready.filter(isGone);
    this.#ready = this.#ready.filter((lease) => !isGone(lease));
    return gone;
  }

  count(isCounted: (lease: Lease) => boolean): number {
    return this.#ready.filter(isCounted).length;
  }

  /** Closes those for which this holds. */
  drop(isDropped: (lease: Lease) => boolean): void {
    for (const lease of this.forget(isDropped)) this.#options.close(lease);
  }

  async #add(opened: Promise<Lease>): Promise<void> {
    const opening: Opening = {};
    this.#opening = opening;
    let lease: Lease | undefined;
    try {
      lease = await opened;
      const { page, member } = lease;
      if (!opening.claim)
        await new Deadline(PRIME_TIMEOUT_MS).race(
          'the first print of a page',
          unlessAborted([page.ended, member.ended], prime(page)),
        );
    } catch {
      if (lease) this.#options.close(lease); // the next document opens one, and reports the error
      lease = undefined;
      if (++this.#failures > 1) this.#pausedUntil = performance.now() + PAUSE_MS;
    }
    this.#opening = undefined;
    if (opening.claim) opening.claim.resolve(lease);
    else if (lease) this.#ready.push(lease);
    if (!lease) return;
    this.#failures = 0;
    this.#options.onOpened();
  }
}

/** Prints a document of ours. It cannot run a script and loads nothing, so it leaves nothing behind. */
async function prime(warm: WarmPage): Promise<void> {
  const { page, session, frameId } = warm.tab;
  await warm.draw(false); // most documents are static
  const isLoaded = Promise.withResolvers<void>();
  page.once('load', () => isLoaded.resolve());
  await session.send('Page.setDocumentContent', { frameId, html: NEUTRAL_DOCUMENT });
  await isLoaded.promise;
  await session.send('Page.printToPDF', { printBackground: true });
}
