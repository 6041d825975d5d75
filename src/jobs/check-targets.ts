import { isWebhookId, type RequestDeliveries } from '../domain/delivery.ts';
import { deniedUrl } from '../egress/denied-url.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { invalidFields } from '../kernel/errors.ts';

/** Checks where a request wants something sent, as far as its text shows. @throws CodedError that names what may not be sent to */
export function checkTargets(
  policy: Pick<EgressPolicy, 'denyHost'>,
  { webhook, upload }: RequestDeliveries = {},
): void {
  const targets = {
    webhook: webhook !== undefined && isWebhookId(webhook) ? undefined : webhook,
    'upload.url': upload?.url,
    ...Object.fromEntries((upload?.reports ?? []).map(({ url }, at) => [`upload.reports[${at}].url`, url])),
  };
  const problems = Object.entries(targets).flatMap(([field, url]) => {
    const message = url === undefined ? undefined : deniedUrl(policy, url);
    return message === undefined ? [] : [{ field, message }];
  });
  if (problems.length > 0) throw invalidFields(problems);
}
