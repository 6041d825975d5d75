import { LADDER } from '../deliveries/ladder.ts';
import { Dialer } from '../egress/dialer.ts';
import { EgressPolicy } from '../egress/policy.ts';
import { Deliverer } from '../worker/deliverer.ts';
import type { Base } from './compose.ts';
import { VERSION } from './version.ts';

/** Seconds without a success after which an endpoint is switched off: three days. */
const FAILING_SECONDS = 259_200;
/** Milliseconds that a receiver of a webhook has to answer. */
const WEBHOOK_MS = 15_000;
/** Milliseconds that requests get to end at a stop: the rest is sent again by others. */
const MAX_GRACE_MS = 5_000;

/** What a test has instead of hours, and of the system's name servers. */
export interface DeliveryWaits {
  /** seconds between tries */
  ladder?: readonly number[];
  /** milliseconds that a receiver of a webhook has to answer */
  webhookMs?: number;
  dialer?: Dialer;
}

/** What sends webhooks and uploads: they may go where documents may load from. */
export function buildDeliverer(base: Base, waits: DeliveryWaits = {}): Deliverer {
  const { config, db, notifier, stores, events, health, database } = base;
  const deliverer = new Deliverer({
    db,
    notifier,
    stores,
    events,
    dialer: new Dialer({ policy: new EgressPolicy(config.egress) }),
    publicUrl: config.publicUrl,
    userAgent: `pdfprompt/${VERSION}`,
    webhookMs: WEBHOOK_MS,
    ladder: LADDER,
    failingSeconds: FAILING_SECONDS,
    concurrency: config.deliveryConcurrency,
    graceMs: Math.min(config.shutdownGraceMs, MAX_GRACE_MS),
    ...waits,
  });
  events.metrics.deliveries.expectDeliveries();
  health.addLivenessCheck('deliverer', () => Math.min(deliverer.stalledForMs, database.okMs));
  return deliverer;
}
