import { type Webhook, webhookOf } from '../../../compat/gotenberg/webhook.ts';
import { deniedUrl } from '../../../egress/denied-url.ts';
import { CodedError } from '../../../kernel/errors.ts';
import type { AppContext, AppDeps } from '../../route.ts';
import { traceOf } from './trace.ts';

/**
 * What the headers of a request ask to be sent when its result is there; undefined: it is answered. `sentTo` of
 * src/compat/gotenberg/webhook.ts makes a request of ours of it, and the answer is 204 when that is submitted.
 * @throws CodedError `invalid_request` that names every header that is wrong; `egress_denied` if nothing may be sent there
 */
export function askedWebhook(c: AppContext, { egress }: Pick<AppDeps, 'egress'>): Webhook | undefined {
  const webhook = webhookOf((name) => c.req.header(name), { trace: traceOf(c), traceparent: traceparentOf(c) });
  for (const [header, url] of Object.entries(webhook?.urls ?? {})) {
    const denied = URL.canParse(url) && /^https?:/i.test(url) ? deniedUrl(egress, url) : undefined;
    if (denied !== undefined) throw new CodedError('egress_denied', `${header}: ${denied}`);
  }
  return webhook;
}

/** The caller's own, if it is one. */
function traceparentOf(c: AppContext): string | undefined {
  const given = c.req.header('traceparent');
  return given !== undefined && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(given) ? given : undefined;
}
