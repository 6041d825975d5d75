import { setImmediate as yieldToEventLoop, setTimeout as sleep } from 'node:timers/promises';
import { validate as isUuid } from 'uuid';
import type { Notifier } from '../db/notifier.ts';
import type { Database } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { batchEvents } from './batch-events.ts';
import { type Ended, positionOf } from './ended.ts';
import { databaseTime, endedSince } from './ended-since.ts';
import { jobEvents } from './job-events.ts';
import { keepLast } from './keep-last.ts';
import { type SentEvent, sentEvent } from './sent-event.ts';

/** A client that hears of events, at the other end of a connection. No function may throw. */
export interface Member {
  /** Whether the key or the session is still valid; unknown counts as valid. */
  isAllowed(): Promise<boolean>;
  /** Called every {@link BEAT_MS}. @param atMs the position up to which everything was sent, if it is known */
  beat(atMs: number | undefined): void;
  end(): void;
}

/** A client that gets the events of a user's jobs and batches. */
export interface Listener extends Member {
  userId: string;
  send(event: SentEvent): void;
}

/** A client that hears that jobs and batches of any user have ended. Hints: anybody who may connect to the database can send them. */
export interface Watcher extends Member {
  /** @param id of the job or batch; undefined: any may have */
  hint(id: string | undefined): void;
}

interface EventHubOptions {
  notifier: Notifier;
  /** for slow background work */
  db: Database;
  publicUrl: string | undefined;
  /** at a time in this process, and of each user */
  max: { all: number; user: number };
  onError: (error: unknown) => void;
}

/** Milliseconds. Proxies close connections on which nothing happens, many of them after 30 s or more. */
const BEAT_MS = 15_000;
/** Members who are served in one turn of the event loop. */
const PACE = 100;
/** Milliseconds in which what has ended gathers, to be read together. */
const GATHER_MS = 5;
/** Ended jobs and batches that are read together. */
const BATCH = 100;
/** Bytes of events that are sent before the connections get a turn. */
const BURST_BYTES = 65_536;
/** Ended jobs and batches that wait to be read; if there are more, they are looked for by their time. */
const MAX_DUE = 10_000;
/** Events that were sent last: they are not sent again when something was missed. */
const MAX_RECENT = 20_000;
const RETRY_MS = 1_000;

/**
 * Everybody in this process who listens to the ends of jobs and batches, on the one connection of the notifier. Those of
 * users who have listeners here are read, some milliseconds' worth in one query; of others nothing is read. After a gap
 * (the notifier's connection was lost, or a read failed) what ended meanwhile is looked for by its time.
 */
export class EventHub extends Lifecycle<EventHubOptions> {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #watchers = new Set<Watcher>();
  readonly #members = new Set<Member>();
  /** by kind and id, so that a forged notification cannot hide a true one */
  readonly #due = new Map<string, Noticed>();
  /** ids of jobs, and of a batch with the time of its end, as it may end again */
  readonly #recent = new Set<string>();
  /** Unix time in milliseconds, by the database's clock: what ended before was sent, except for the overlap. */
  #sentUntilMs: number | undefined;
  /** the same when the gap began that has not been read yet */
  #gapSinceMs: number | undefined;
  #isConnected = true;
  #isBehind = false;
  #isReading = false;
  /** users to check; the empty id: all */
  readonly #toCheck = new Set<string>();
  #isChecking = false;

  /** Listeners and watchers at present. */
  get size(): number {
    return this.#members.size;
  }

  protected async onStart(): Promise<void> {
    const { notifier } = this.options;
    notifier.on('jobs', this.ending, (payload) => this.#noticed(payload));
    notifier.on('accounts', this.ending, (userId) => void this.#check(userId));
    notifier.on('lost', this.ending, () => {
      this.#isConnected = false;
      this.#gapSinceMs ??= this.#sentUntilMs;
    });
    notifier.on('missed', this.ending, () => {
      this.#isConnected = true;
      this.#fallBehind();
      for (const watcher of this.#watchers) watcher.hint(undefined);
      void this.#read();
      void this.#check('');
    });
    this.#isConnected = true;
    await this.repeat(BEAT_MS, () => this.#beat());
  }

  protected override async onStop(): Promise<void> {
    for (const member of this.#members) member.end();
    this.#listeners.clear();
    this.#watchers.clear();
    this.#members.clear();
    this.#forget();
  }

  /**
   * Adds a listener, who gets everything that is noticed from now on.
   * @returns a function that removes it
   * @throws CodedError `too_much_under_way`, `unavailable`
   */
  listen(listener: Listener): () => void {
    const { userId } = listener;
    const { max } = this.options;
    const own = this.#listeners.get(userId) ?? new Set();
    if (own.size >= max.user)
      throw new CodedError(
        'too_much_under_way',
        `${own.size} connections of yours listen to events; allowed: ${max.user}`,
        {
          retryAfterSeconds: 1,
        },
      );
    this.#checkRoom();
    this.#listeners.set(userId, own.add(listener));
    this.#members.add(listener);
    return () => {
      this.#members.delete(listener);
      own.delete(listener);
      if (own.size === 0 && this.#listeners.get(userId) === own) this.#listeners.delete(userId);
    };
  }

  /** Adds a watcher. @returns a function that removes it @throws CodedError `unavailable` */
  watch(watcher: Watcher): () => void {
    this.#checkRoom();
    this.#watchers.add(watcher);
    this.#members.add(watcher);
    return () => {
      this.#members.delete(watcher);
      this.#watchers.delete(watcher);
    };
  }

  /** The position from which a listener of this moment misses nothing. Unix time in milliseconds. */
  async now(): Promise<number> {
    return (this.#sentUntilMs ??= await databaseTime(this.options.db));
  }

  #checkRoom(): void {
    if (this.ending.aborted || this.size >= this.options.max.all)
      throw new CodedError('unavailable', 'no more connections can listen to events here; try again shortly', {
        retryAfterSeconds: 1,
      });
  }

  /** What has ended may not have been noticed: it is looked for by its time. */
  #fallBehind(): void {
    this.#isBehind = true;
    this.#gapSinceMs ??= this.#sentUntilMs;
  }

  #noticed(payload: string): void {
    const noticed = parseNoticed(payload);
    if (!noticed) return;
    for (const watcher of this.#watchers) watcher.hint(noticed.id);
    if (!this.#listeners.has(noticed.userId) || this.#recent.has(noticed.id)) return;
    if (this.#due.size < MAX_DUE) this.#due.set(`${noticed.kind} ${noticed.id}`, noticed);
    else this.#fallBehind();
    void this.#read();
  }

  /** Reads and sends until there is nothing left to read. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const signal = this.ending;
    while (!signal.aborted && this.#listeners.size > 0 && (this.#isBehind || this.#due.size > 0)) {
      try {
        if (this.#isBehind) await this.#readMissed();
        else await this.#readDue();
      } catch (error) {
        this.#fallBehind();
        this.options.onError(error);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#isReading = false;
    if (this.#listeners.size === 0) this.#forget();
  }

  async #readDue(): Promise<void> {
    await sleep(GATHER_MS);
    const some = [...this.#due].slice(0, BATCH);
    for (const [key] of some) this.#due.delete(key);
    const due = some.flatMap(([, noticed]) => (this.#recent.has(noticed.id) ? [] : noticed));
    const idsOf = (which: Noticed['kind']) => due.flatMap(({ kind, id }) => (kind === which ? id : []));
    const jobs = await jobEvents(this.options.db, idsOf('job'));
    const batches = await batchEvents(this.options.db, idsOf('batch'));
    // In the order in which their transactions committed.
    await this.#send(due.flatMap(({ kind, id }) => (kind === 'job' ? jobs : batches).get(id) ?? []));
  }

  async #readMissed(): Promise<void> {
    this.#isBehind = false;
    const users = [...this.#listeners.keys()];
    const sinceMs = this.#gapSinceMs ?? (await this.now());
    for await (const ended of endedSince(sinceMs, { users }, (work) => work(this.options.db))) await this.#send(ended);
    if (this.#isConnected && !this.#isBehind) this.#gapSinceMs = undefined;
  }

  async #send(all: readonly Ended[]): Promise<void> {
    let bytes = 0;
    for (const ended of all) {
      const { atMs, id } = positionOf(ended);
      const key = 'batch' in ended ? `${id} ${ended.endedAt}` : id;
      if (this.#recent.has(key)) continue;
      keepLast(this.#recent, key, MAX_RECENT);
      this.#sentUntilMs = Math.max(this.#sentUntilMs ?? 0, atMs);
      // The user of the row, whatever a notification said.
      const own = this.#listeners.get(ended.userId);
      if (!own) continue;
      const event = sentEvent(ended, this.options.publicUrl);
      for (const listener of own) listener.send(event);
      bytes += event.bytes.byteLength;
      if (bytes < BURST_BYTES) continue;
      bytes = 0;
      await yieldToEventLoop();
    }
  }

  async #beat(): Promise<void> {
    if (this.#members.size === 0) return this.#forget();
    await this.#advance().catch(this.options.onError);
    const atMs = this.#isComplete ? this.#sentUntilMs : undefined;
    for await (const member of inTurns(this.#members)) member.beat(atMs);
    void this.#check('');
  }

  /** Whether there is no gap. */
  get #isComplete(): boolean {
    return this.#isConnected && !this.#isBehind && this.#gapSinceMs === undefined;
  }

  /** Moves the position to the present, if nothing is left to be read. */
  async #advance(): Promise<void> {
    const isIdle = () => this.#isComplete && !this.#isReading;
    if (!isIdle()) return;
    const now = await databaseTime(this.options.db);
    if (isIdle()) this.#sentUntilMs = Math.max(this.#sentUntilMs ?? 0, now);
  }

  #forget(): void {
    this.#due.clear();
    this.#recent.clear();
    this.#sentUntilMs = undefined;
    this.#gapSinceMs = undefined;
    this.#isBehind = false;
  }

  /** Ends those whose key or session is no longer valid. @param userId empty: all */
  async #check(userId: string): Promise<void> {
    this.#toCheck.add(userId);
    if (this.#isChecking) return;
    this.#isChecking = true;
    for (const id of this.#toCheck) {
      this.#toCheck.delete(id);
      const members = id === '' ? this.#members : [...(this.#listeners.get(id) ?? []), ...this.#watchers];
      for await (const member of inTurns(members)) if (!(await member.isAllowed())) member.end();
    }
    this.#isChecking = false;
  }
}

/** So that many members do not keep the event loop from everything else. */
async function* inTurns(members: Iterable<Member>): AsyncGenerator<Member> {
  for (const [index, member] of [...members].entries()) {
    if (index % PACE === PACE - 1) await yieldToEventLoop();
    yield member;
  }
}

/** That something has ended, as a notification says it. */
interface Noticed {
  kind: 'job' | 'batch';
  id: string;
  userId: string;
}

/** What a notification of the triggers says; nothing that is wrong in it harms anybody. */
function parseNoticed(payload: string): Noticed | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch {
    return undefined;
  }
  const { id, batch, user } = (parsed ?? {}) as { id?: unknown; batch?: unknown; user?: unknown };
  if (!isUuid(user)) return undefined;
  if (isUuid(id)) return { kind: 'job', id: String(id), userId: String(user) };
  return isUuid(batch) ? { kind: 'batch', id: String(batch), userId: String(user) } : undefined;
}
