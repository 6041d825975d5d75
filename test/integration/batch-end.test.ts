import { describe, expect, it } from 'vitest';
import { countsOf, endItems, makeBatch } from '../support/batches.ts';
import { principalOf } from '../support/accounts.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { sql } = service;
const { userId } = await principalOf(service.base.db, service.key);

describe('the end of a batch', () => {
  it('comes with its last item', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 20 });
    expect(await countsOf(sql, id)).toEqual({ open: 20, completed: 0, failed: 0, cancelled: 0 });
    await endItems(sql, jobs.slice(0, 17));
    await endItems(sql, jobs.slice(17, 19), 'failed');
    expect(await countsOf(sql, id)).toEqual({ open: 1, completed: 17, failed: 2, cancelled: 0 });
    const of = async () =>
      (await sql`select status, completed_at is not null as ended from pdfprompt_batch where id = ${id}`)[0];
    expect(await of()).toEqual({ status: 'processing', ended: false });
    await endItems(sql, jobs.slice(19));
    expect(await of()).toEqual({ status: 'completed', ended: true });
  });
});
