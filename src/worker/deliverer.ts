import { setTimeout as sleep } from 'node:timers/promises';
import type { Notifier } from '../db/notifier.ts';
import { isDatabaseUnavailable } from '../db/pools.ts';
import { claimDeliveries, type ClaimedDelivery } from '../deliveries/claim.ts';
import type { Ended } from '../deliveries/ended.ts';
import { endsOf } from '../deliveries/ends-of.ts';
import { cancelDeliveries, extendClaims, requeueDeliveries, wakeDeliveries } from '../deliveries/keep-moving.ts';
import { DeliverySlots } from '../deliveries/delivery-slots.ts';
import { type Patience, recordAttempt } from '../deliveries/record.ts';
import { sendDelivery, type SendDeps, type Tried } from '../deliveries/send-delivery.ts';
import type { DeliveryKind } from '../domain/delivery.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { Deadline } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';

interface DelivererOptions extends SendDeps, Patience {
  notifier: Notifier;
  events: Events;
  /** webhooks that are sent at a time */
  concurrency: number;
  /** milliseconds that deliveries have at a stop */
  graceMs: number;
}

/** Uploads at a time: each may last for minutes. */
const UPLOADS = 16;
/** A notification can be lost with its connection, and pauses end: so it is also looked at the clock. */
const POLL_MS = 1_000;
/** Until it is looked on behind tenants that have no place now. */
const AGAIN_MS = 20;
const HEARTBEAT_MS = 10_000;
/** Milliseconds to write at a stop what was not sent to its end. */
const REQUEUE_MS = 3_000;
const RETRY_MS = { first: 100, longest: 2_000 };
/** A webhook that took so long, or an upload that failed after it, makes a destination slow. Milliseconds. */
const SLOW_MS = 4_000;

/** What is stored of it cannot be sent, or we have a fault, which a later version may not have. */
const UNPREPARED: Tried = { isDelivered: false, isFinal: false, error: 'it could not be prepared', answer: '', ms: 0 };

interface Running {
  claimed: ClaimedDelivery;
  abort: AbortController;
  /** whether another may have its slot */
  isAside: boolean;
  ended: Promise<void>;
}

/**
 * Sends what is ready: when it is notified, when a slot becomes free, and every second. Each kind has slots of its own, so
 * that none waits for another.
 */
export class Deliverer extends Lifecycle<DelivererOptions> {
  readonly #slots: Record<DeliveryKind, DeliverySlots>;
  readonly #running = new Set<Running>();
  #loop: Promise<void> | undefined;
  #wake = Promise.withResolvers<void>();
  #turnedAt: number | undefined;
  /** when it is looked for what is due; by `performance.now()` */
  #pollAt = 0;
  #forceStop = Promise.withResolvers<void>();
  #isBlamed = false;

  constructor(options: DelivererOptions) {
    super(options);
    const messages = () => new DeliverySlots(options.concurrency);
    this.#slots = { webhook: messages(), upload: new DeliverySlots(UPLOADS, { user: 2 }), report: messages() };
  }

  /** Milliseconds since it last looked for work, which it does every second; 0 if it is stopped. */
  get stalledForMs(): number {
    return this.#turnedAt === undefined ? 0 : performance.now() - this.#turnedAt;
  }

  protected async onStart(): Promise<void> {
    const { notifier } = this.options;
    for (const event of ['deliveries', 'missed'] as const) notifier.on(event, this.ending, () => this.#wake.resolve());
    void this.repeat(HEARTBEAT_MS, () => this.#extend());
    this.#loop = this.#run();
  }

  /** Lets requests end for a few seconds. The rest is requeued, and may be received twice. */
  protected override async onStop(): Promise<void> {
    this.#wake.resolve();
    await this.#loop;
    await Promise.race([this.#drain(this.options.graceMs), this.#forceStop.promise]);
    for (const { abort } of this.#running) abort.abort();
    await this.#drain(REQUEUE_MS);
    this.#forceStop = Promise.withResolvers();
    this.#isBlamed = false;
  }

  /**
   * An error was thrown that nothing caught: what is being sent may be the cause. So these tries count, as if the process
   * had been killed, and a delivery that ends one process after the other comes to its end.
   */
  blame(): void {
    this.#isBlamed = true;
  }

  /** For a second signal: the grace period ends now, or does not begin. */
  forceStop(): void {
    this.#forceStop.resolve();
  }

  async #drain(ms: number): Promise<void> {
    const ended = Promise.all([...this.#running].map((running) => running.ended));
    await new Deadline(ms).race('deliveries', ended).catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.ending.aborted) {
      this.#turnedAt = performance.now();
      this.#wake = Promise.withResolvers<void>();
      if (this.#turnedAt >= this.#pollAt) await this.#poll();
      const isMore = await this.#claim();
      if (isMore) continue;
      const timer = setTimeout(() => this.#wake.resolve(), Math.max(0, this.#pollAt - performance.now()));
      await this.#wake.promise;
      clearTimeout(timer);
    }
    this.#turnedAt = undefined;
  }

  /** Makes ready what is due. */
  async #poll(): Promise<void> {
    const { db, events, ladder } = this.options;
    this.#pollAt = performance.now() + POLL_MS;
    try {
      const { lost, nextMs, isMore } = await wakeDeliveries(db, ladder.length + 1);
      if (isMore) this.#pollWithin(0); // those of others may be behind a tenant's many
      if (lost > 0) events.deliveries.deliveriesLost({ deliveries: lost });
      if (nextMs !== undefined) this.#pollWithin(nextMs);
    } catch (error) {
      events.backgroundFailed('looking for deliveries that are due', error);
    }
  }

  #pollWithin(ms: number): void {
    this.#pollAt = Math.min(this.#pollAt, performance.now() + ms + 1);
  }

  /** @returns whether there may be more to claim at once */
  async #claim(): Promise<boolean> {
    const { db, events } = this.options;
    try {
      let isAny = false;
      for (const [kind, slots] of Object.entries(this.#slots) as [DeliveryKind, DeliverySlots][]) {
        const { claimed, isMore } = await claimDeliveries(db, kind, slots);
        if (isMore && claimed.length === 0) this.#pollWithin(AGAIN_MS);
        if (claimed.length > 0) {
          crashPoint('delivery.claimed');
          isAny = true;
        }
        // Read here for all of them. If that fails, each of them is requeued.
        const ends = endsOf(db, claimed);
        ends.catch(() => undefined);
        for (const each of claimed) this.#start(each, slots, ends);
      }
      return isAny;
    } catch (error) {
      events.backgroundFailed('claiming deliveries', error);
      return false;
    }
  }

  #start(claimed: ClaimedDelivery, slots: DeliverySlots, ends: ReturnType<typeof endsOf>): void {
    const running: Running = { claimed, abort: new AbortController(), isAside: false, ended: Promise.resolve() };
    this.#running.add(running);
    slots.take(claimed);
    let isSlow: boolean | undefined;
    running.ended = this.#deliver(running, ends)
      .then((tried) => {
        if (tried) isSlow = tried.ms >= SLOW_MS && (claimed.kind !== 'upload' || !tried.isDelivered);
      })
      .catch((error: unknown) => this.options.events.backgroundFailed('delivering', error)) // its claim expires
      .finally(() => {
        this.#running.delete(running);
        slots.release(claimed, isSlow, running.isAside);
        this.#wake.resolve();
      });
  }

  /** @returns undefined if it was not tried to its end */
  async #deliver(running: Running, ends: ReturnType<typeof endsOf>): Promise<Tried | undefined> {
    const { claimed, abort } = running;
    const { db, events } = this.options;
    const { id: deliveryId, jobId, batchId, userId, kind, attempt, waitedMs } = claimed;
    events.deliveries.deliveryStarted({ waitedMs });
    let tried: Tried | undefined;
    try {
      const ended = (await ends).get(deliveryId);
      if (claimed.isOverturned || (batchId !== undefined && !ended)) {
        await cancelDeliveries(db, [claimed]);
        return undefined;
      }
      tried = await this.#send(running, ended);
    } catch (error) {
      events.backgroundFailed('preparing a delivery', error);
      if (isDatabaseUnavailable(error))
        await sleep(RETRY_MS.longest, undefined, { signal: abort.signal }).catch(() => undefined);
      else tried = UNPREPARED; // it counts as a try: otherwise it would fail again and again, for ever
    }
    if (!tried || tried.isAborted) {
      if (!this.#isBlamed) await requeueDeliveries(db, [claimed]);
      return undefined;
    }
    crashPoint('delivery.sent');
    if (tried.denied)
      events.egressDenied({
        reason: tried.denied,
        authority: claimed.host,
        userId,
        jobId,
        isLogged: claimed.attempt === 1,
      });
    const { end, nextMs, off } = await this.#record(claimed, tried, abort.signal);
    const about = { deliveryId, kind, userId, jobId, batchId, webhookId: claimed.webhookId, attempt, status: tried.status, ms: tried.ms, error: tried.error }; // prettier-ignore
    if (end === 'delivered' || end === 'failed') events.deliveries.deliveryEnded({ ...about, result: end });
    else if (end === 'waiting') events.deliveries.deliveryRetried(about);
    if (nextMs !== undefined) this.#pollWithin(nextMs);
    if (off) events.deliveries.webhookOff({ ...off, userId });
    return tried;
  }

  /** Only the receiver's time counts: when the database is slow, nobody else is to blame. */
  async #send(running: Running, ended: Ended | undefined): Promise<Tried> {
    const { claimed, abort } = running;
    const timer = setTimeout(() => {
      if (claimed.kind === 'upload') return; // it is work for as long as it lasts
      running.isAside = this.#slots[claimed.kind].setAside(claimed);
      this.#wake.resolve();
    }, SLOW_MS);
    try {
      return await sendDelivery(this.options, claimed, ended, abort.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tries until it is written, so that an outage of the database does not send twice what was received. */
  async #record(claimed: ClaimedDelivery, tried: Tried, signal: AbortSignal) {
    for (let pause = RETRY_MS.first; ; pause = Math.min(pause * 2, RETRY_MS.longest)) {
      try {
        return await recordAttempt(this.options.db, claimed, tried, this.options);
      } catch (error) {
        if (!isDatabaseUnavailable(error) || signal.aborted) throw error;
        await sleep(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** What is no longer ours, because its job or endpoint is gone or because we were late, is not sent to its end. */
  async #extend(): Promise<void> {
    const running = [...this.#running];
    if (running.length === 0) return;
    try {
      const kept = await extendClaims(this.options.db, running.map(({ claimed }) => claimed)); // prettier-ignore
      for (const { claimed, abort } of running) if (!kept.has(claimed.id)) abort.abort();
    } catch (error) {
      this.options.events.backgroundFailed('extending claims of deliveries', error);
    }
  }
}
