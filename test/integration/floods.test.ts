/** @module-tag long */

import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { everythingOf, LARGE_BODY, openAsk, refusedOf } from '../support/everything.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

/** The fewest: three for writes, one for what is read for tenants. */
const service = await startService({ env: { DATABASE_MAX_CONNECTIONS: '6', HTTP_MAX_CONNECTIONS: '4000' } });
const { base, address, underWay } = service;
const [ann, bob] = await createTenants(service, ['anna@example.com', 'bob@other.example']);
if (!ann || !bob) throw new Error('no tenants');
const ask = openAsk(address);
const isIdle = () => eventually(() => underWay.isIdle, 30_000, 'nothing is under way');
const starter = (await createKey(base.db, { email: 'starter@example.com', tier: 'starter' })).key;
const percentile = (times: number[], part: number) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? 0;

describe('a flood by one tenant', () => {
  /** So many at a time that they take their time: who stood in line with them would wait as long as they do. */
  const SLOTS = 150;

  it.each(Object.keys(everythingOf(ask, ann)).filter((what) => !what.includes('large')))(
    'with %s makes another wait for none of it',
    async (what) => {
      const flood = everythingOf(ask, ann)[what];
      const other = everythingOf(ask, bob);
      if (!flood) throw new Error('no such flood');
      let isOver = false;
      const [own, others]: number[][] = [[], []];
      const timed = async (into: number[] | undefined, work: () => Promise<number>) => {
        const startedAt = performance.now();
        expect(await work()).toBeLessThan(300);
        into?.push(performance.now() - startedAt);
      };
      const slots = Array.from({ length: SLOTS }, async () => {
        while (!isOver) await timed(own, flood);
      });
      await eventually(() => (own?.length ?? 0) > SLOTS, 60_000, 'the flood is there');
      for (let round = 0; round < 4; round++)
        for (const once of [other['a submission'], other['a list'], other['a job']])
          if (once) await timed(others, once);
      isOver = true;
      await Promise.all(slots);
      expect(percentile(others ?? [], 0.5)).toBeLessThan(percentile(own ?? [], 0.5) / 2);
      await isIdle();
    },
    120_000,
  );

  it('with large bodies does not either, limit or not; and every one of them is answered', async () => {
    for (const key of [ann.key, starter]) {
      const flood = Promise.all(Array.from({ length: 24 }, () => ask('POST', '/v1/jobs', key, LARGE_BODY)));
      let isOver = false;
      void flood.finally(() => (isOver = true));
      let rounds = 0;
      for (; !isOver; rounds++) expect(await refusedOf(ask, bob)).toEqual([]);
      expect(rounds).toBeGreaterThan(0);
      const accepted = (await flood).filter((status) => status === 202);
      expect(accepted).toHaveLength(key === starter ? 2 : 24);
      await isIdle();
    }
  }, 120_000);
});
