import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { runParts } from '../../src/jobs/run.ts';

it('parts that take long to be read end with the time limit of their job, however many there are', async () => {
  const never = () => Promise.reject(new Error('nothing is printed or finished'));
  const pdf = { job: '01890a5d-ac96-774b-bcce-b302099a8057' };
  const parsed = parsePdfRequest({ timeoutMs: 1_000, parts: Array.from({ length: 500 }, () => ({ pdf })) });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const { parts, ...settings } = parsed.request;
  let read = 0;
  const pdfOf = async () => {
    await sleep(100);
    read++;
    return { name: 'a.pdf', chunks: [Buffer.from('%PDF')] };
  };
  const deps = { renderer: { render: never }, finisher: { finish: never } };
  const outcome = await runParts(deps, { parts, settings, pdfOf }, { tenant: 'ann', waitMs: 500 });
  expect(outcome).toMatchObject({ kind: 'reject', code: 'render_timeout' });
  expect(read).toBeLessThan(20);
});
