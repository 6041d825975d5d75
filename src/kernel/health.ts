import type { Service } from './lifecycle.ts';

/** The state of one condition, as a probe gets it. */
export interface HealthCheck {
  name: string;
  status: 'ok' | 'failing';
  /** ISO 8601, since when it has been so */
  since: string;
  /** why it fails */
  reason?: string;
}

/** Something that has to work, and since when it does or does not. */
export class Condition {
  readonly name: string;
  #reason: string | undefined;
  #since = new Date();
  #sinceMs = performance.now();

  /** @param reason why it fails at first; undefined: it is ok */
  constructor(name: string, reason?: string) {
    this.name = name;
    this.#reason = reason;
  }

  /** @param reason why it fails; undefined: it is ok */
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

  /** Milliseconds for which it has been ok, 0 while it fails. */
  get okMs(): number {
    return this.isOk ? performance.now() - this.#sinceMs : 0;
  }

  get check(): HealthCheck {
    const reason = this.#reason;
    const since = this.#since.toISOString();
    return { name: this.name, status: this.isOk ? 'ok' : 'failing', since, ...(reason !== undefined && { reason }) };
  }
}

/** Milliseconds without progress after which only a restart helps. */
const STUCK_MS = 300_000;

/** The state of a process, for probes. Answers at once, from memory: a probe must not wait for what it asks about. */
export class Health {
  readonly #startup = new Condition('startup', 'starting');
  readonly #stopping = new Condition('shutdown');
  readonly #needed: Condition[] = [];
  readonly #moving: { condition: Condition; stalledForMs: () => number }[] = [];
  readonly #stuckMs: number;

  constructor({ stuckMs = STUCK_MS }: { stuckMs?: number } = {}) {
    this.#stuckMs = stuckMs;
  }

  /** While it fails the process is not ready. */
  needs(condition: Condition): void {
    this.#needed.push(condition);
  }

  /** After {@link STUCK_MS} without progress the process is not live. @param stalledForMs milliseconds without progress */
  addLivenessCheck(name: string, stalledForMs: () => number): void {
    this.#moving.push({ condition: new Condition(name), stalledForMs });
  }

  /** @param services that have not started yet; none: the process has started */
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

  /** False if only a restart could help. */
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
