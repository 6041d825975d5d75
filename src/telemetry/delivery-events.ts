import type { DeliveryKind } from '../domain/delivery.ts';
import type { RequestAbout } from './about.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Identifies one try of a delivery, and how it ended. Never its URL. */
export interface DeliveryAbout {
  deliveryId: string;
  kind: DeliveryKind;
  userId: string;
  /** of the job or the batch that ended; neither: a test of an endpoint */
  jobId: string | undefined;
  batchId: string | undefined;
  /** undefined: a URL of the request */
  webhookId: string | undefined;
  attempt: number;
  /** HTTP, if there was an answer */
  status: number | undefined;
  ms: number;
  /** why it is no success */
  error: string | undefined;
}

/** Identifies what was done to an endpoint of a user. */
interface WebhookAbout extends RequestAbout {
  webhookId: string;
  userId: string;
}

/** What happens to webhooks and uploads, and to their endpoints; {@link Events} has it. */
export class DeliveryEvents {
  readonly #log: Logger;
  readonly #metrics: Metrics;

  /** Never its secret, nor its URL, which may have one in it. */
  readonly webhookCreated = (webhook: WebhookAbout): void => this.#log.info('webhook.created', webhook);
  readonly webhookChanged = (webhook: WebhookAbout & { enabled: boolean }): void =>
    this.#log.info('webhook.changed', webhook);
  readonly webhookDeleted = (webhook: WebhookAbout): void => this.#log.info('webhook.deleted', webhook);
  /** Without an id it is the user's own secret. */
  readonly webhookSecretRotated = (webhook: Omit<WebhookAbout, 'webhookId'> & { webhookId?: string }): void =>
    this.#log.info('webhook.secret_rotated', webhook);

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /** @param about milliseconds since it was due */
  deliveryStarted(about: { waitedMs: number }): void {
    this.#metrics.deliveries.wait.observe(about.waitedMs / 1000);
  }

  /** Delivered, or given up. */
  deliveryEnded(delivery: DeliveryAbout & { result: 'delivered' | 'failed' }): void {
    this.#metrics.deliveries.tries.inc({ result: delivery.result });
    this.#log.info('delivery.ended', delivery);
  }

  /** It failed, and is tried again later. */
  deliveryRetried(delivery: DeliveryAbout): void {
    this.#metrics.deliveries.tries.inc({ result: 'retried' });
    this.#log.debug('delivery.retried', delivery);
  }

  /** Their worker was killed, or did not reach the database. Receivers may get them twice. */
  deliveriesLost(about: { deliveries: number }): void {
    this.#log.warn('delivery.requeued', about);
  }

  /** An endpoint is gone, or has failed for too long. @param about `failed`: deliveries that were still to be sent */
  webhookOff(about: { webhookId: string; userId: string; reason: string; failed: number }): void {
    this.#metrics.deliveries.tries.inc({ result: 'failed' }, about.failed);
    this.#log.warn('webhook.off', about);
  }
}
