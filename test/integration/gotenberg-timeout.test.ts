import { expect, it } from 'vitest';
import { gotenbergForm } from '../support/gotenberg-form.ts';
import { startService } from '../support/service.ts';

// There is no worker: every request takes too long.
const service = await startService({ env: { COMPAT: 'gotenberg', COMPAT_TIMEOUT: '1' } });

const convert = (headers: Record<string, string> = {}) =>
  fetch(`${service.address}/forms/chromium/convert/html`, {
    method: 'POST',
    body: gotenbergForm([['index.html', '<p>waits']]),
    headers: { 'X-Api-Key': service.key, ...headers },
  });

async function statuses(): Promise<string[]> {
  const listed = await service.request('/v1/jobs');
  return ((await listed.json()) as { data: { status: string }[] }).data.map(({ status }) => status);
}

it('A request that takes too long is answered 503, and its job is cancelled', async () => {
  const answer = await convert();
  expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'text/plain; charset=UTF-8']);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.text()).toContain('longer than its limit');
  expect(await statuses()).toEqual(['cancelled']);
});

it('One with an Idempotency-Key may come again, and its job goes on', async () => {
  const headers = { 'Idempotency-Key': 'an-invoice' };
  expect((await convert(headers)).status).toBe(503);
  expect((await convert(headers)).status).toBe(503);
  expect(await statuses()).toEqual(['queued', 'cancelled']);
});
