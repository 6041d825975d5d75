import { measureQueries } from '../support/measure-queries.ts';
import { limitOf } from '../support/query-limits.ts';
import type { Result, Stage } from './stage.ts';

/** Every query of the service with a million jobs and a hundred thousand users, as the test sees them. */
export async function queries({ directory }: Stage): Promise<Result> {
  const log = (line: string) => process.stderr.write(line);
  const { rounds, seconds } = await measureQueries({ jobs: 1_000_000, users: 100_000, dataDir: directory, log });
  const rows = rounds.flatMap(({ state, queries: measured }) =>
    measured
      .filter(({ shape }) => shape !== 'no table')
      .map((query): [string, string] => [
        `${state}: ${query.who}: ${query.shape}`,
        `${query.buffers} of ${limitOf(query) ?? '?'} buffers, ${query.ms.p50} / ${query.ms.max} ms, ${query.times} times: ${query.nodes.join(', ')}`,
      ]),
  );
  return Object.fromEntries([...rows, ['seconds', JSON.stringify(seconds)]]);
}
