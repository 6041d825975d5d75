import type { Service } from './lifecycle.ts';

/** What a probe is told of one thing. */
export interface HealthCheck {
  name: string;
  status: 'ok' | 'failing';
  /** ISO 8601: how long it has been so */
  since: string;
  /** why it fails */
  reason?: string;
}

/** Something that has to be well, and for how long it has been or has not. */
export class Condition {
  readonly name: string;
  #reason: string | undefined;
  #since = new Date();
  #sinceMs = performance.now();

  /** @param reason why it is not well to begin with */
  constructor(name: string, reason?: string) {
    this.name = name;
    this.#reason = reason;
  }

  /** @param reason why it is not well; undefined: it is */
  set(reason: string | undefined): void {
    if ((reason === undefined) !== this.isOk) {
      this.#since = new Date();
      this.#sinceMs = performance.now();
    }
    this.#reason = reason;
  }

  get isOk(): boolean {
    return this.#reason === undefined;
  }

  /** Milliseconds for which it has been well, 0 while it is not. */
  get okMs(): number {
    return this.isOk ? performance.now() - this.#sinceMs : 0;
  }

  get check(): HealthCheck {
    const reason = this.#reason;
    const since = this.#since.toISOString();
    return { name: this.name, status: this.isOk ? 'ok' : 'failing', since, ...(reason !== undefined && { reason }) };
  }
}

/** Milliseconds after which what stands still will not move again by itself. */
const STUCK_MS = 300_000;

/**
 * How a process is, for whoever probes it. Everything is answered from memory, at once: a probe must
 * not wait for what it asks about.
 */
export class Health {
  readonly #startup = new Condition('startup', 'starting');
  readonly #stopping = new Condition('shutdown');
  readonly #needed: Condition[] = [];
  readonly #moving: { condition: Condition; stalledForMs: () => number }[] = [];
  readonly #stuckMs: number;

  constructor({ stuckMs = STUCK_MS }: { stuckMs?: number } = {}) {
    this.#stuckMs = stuckMs;
  }

  /** Without it the process takes no requests. */
  needs(condition: Condition): void {
    this.#needed.push(condition);
  }

  /** What the process is beyond help without. @param stalledForMs milliseconds for which it should have moved and has not */
  addLivenessCheck(name: string, stalledForMs: () => number): void {
    this.#moving.push({ condition: new Condition(name), stalledForMs });
  }

  /** @param services that have yet to start; none: the process has started, for good */
  awaits(services: readonly Service[]): void {
    this.#startup.set(services.length === 0 ? undefined : `waiting for: ${services.map(nameOf).join(', ')}`);
  }

  drain(): void {
    this.#stopping.set('this process is shutting down');
  }

  get isDraining(): boolean {
    return !this.#stopping.isOk;
  }

  /** Has everything started? */
  startup(): HealthCheck[] {
    return [this.#startup.check];
  }

  /** Can it take requests, or work, now? */
  readiness(): HealthCheck[] {
    return [this.#startup, this.#stopping, ...this.#needed].map(({ check }) => check);
  }

  /** Is there hope? Not if only a new process could help. */
  liveness(): HealthCheck[] {
    return this.#moving.map(({ condition, stalledForMs }) => {
      const ms = stalledForMs();
      condition.set(
        ms < this.#stuckMs ? undefined : `${condition.name}: it has not moved for ${Math.round(ms / 1000)} s`,
      );
      return condition.check;
    });
  }
}

/** `JobQueue` → `job queue` */
function nameOf(service: Service): string {
  return service.constructor.name.replaceAll(/(?<=[a-z])[A-Z]/g, ' $&').toLowerCase();
}
