import { Command } from 'commander';
import type { Status } from '../../runtime/status.ts';
import { figure, printJson, printRows } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

type Queue = NonNullable<Status['queue']>;

/** Migrations that are named; more are counted. */
const LISTED = 3;

export function statusCommand(): Command {
  return new Command('status')
    .description('What runs: addresses, versions, the queue, what is paused, the workers, the last backup')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Record<string, unknown> & { json?: boolean }) => {
      const { readStatus } = await import('../../runtime/status.ts');
      const status = await readStatus(readConfig(options));
      if (options.json) printJson(status);
      else printRows(rowsOf(status));
    });
}

function rowsOf(status: Status): string[][] {
  const { service, database, processes, chromium, queue, lastBackup } = status;
  const running = Object.entries(processes).filter(([, count]) => count > 0);
  return [
    ['version', status.version],
    ['service', `${service.url}: ${service.isReady ? 'ready' : `not ready, ${service.problem}`}`],
    ...databaseRows(database),
    ['chromium', chromium ?? 'none on this machine'],
    ['processes', running.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none'],
    ...(queue ? queueRows(queue) : []),
    ...(lastBackup === undefined ? [] : [['last backup', lastBackup?.takenAt.toISOString() ?? 'never']]),
  ];
}

function databaseRows(database: Status['database']): string[][] {
  if (!database) return [['database', 'embedded, does not run; type: pdfprompt up']];
  const { address, isEmbedded, postgres, schema, lacks } = database;
  const lack = lacks.length > LISTED ? `${lacks.length} migrations` : lacks.join(', ');
  return [
    ['database', `${address}${isEmbedded ? ', embedded' : ''}, Postgres ${postgres}`],
    ['schema', `${schema ?? 'empty'}${lacks.length === 0 ? '' : `, lacks ${lack}; type: pdfprompt migrate`}`],
  ];
}

function pauseRow({ target, email, reason, pausedAt }: Queue['pauses'][number]): string[] {
  return [`paused ${target}`, `${email === null ? '' : `${email}, `}since ${pausedAt.toISOString()}: ${reason}`];
}

function queueRows({ groups, batches, scheduled, pauses, paused, workers, lostWorkers }: Queue): string[][] {
  const total = groups.reduce((sum, { depth }) => sum + depth, 0);
  const oldest = Math.max(0, ...groups.map(({ oldestSeconds }) => oldestSeconds));
  const waits = (depth: number, seconds: number) =>
    `${figure(depth)}${depth === 0 ? '' : `, the oldest for ${seconds.toFixed(0)} s`}`;
  const isOld = (silentSeconds: number) => (silentSeconds > 10 ? `, silent for ${silentSeconds.toFixed(0)} s` : '');
  return [
    ['queued', waits(total, oldest)],
    ...groups.map(({ tier, priority, depth, oldestSeconds }) => [
      `queued ${tier || 'without a tier'} ${priority}`,
      waits(depth, oldestSeconds),
    ]),
    ['items of batches', figure(batches.items)],
    ['scheduled', figure(scheduled)],
    ...(paused > 0 ? [['paused', figure(paused)]] : []),
    ...pauses.map(pauseRow),
    ['processing', figure(workers.reduce((sum, { busy }) => sum + busy, 0))],
    ...workers.map(({ host, pid, busy, slots, version, startedAt, silentSeconds }) => [
      `worker ${host}:${pid}`,
      `${busy} of ${slots} busy, since ${startedAt.toISOString()}, ${version ?? 'an older version'}${isOld(silentSeconds)}`,
    ]),
    ['workers lost today', figure(lostWorkers)],
  ];
}
