import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Sql } from 'postgres';
import { commandOf, descendants, eventually } from './processes.ts';

/** What keeps a process from ending, as Node names it; files and name look-ups come and go by themselves. */
const KINDS = new Set(['Timeout', 'TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'ProcessWrap', 'MessagePort']);

/** How many there are of everything that a service could leave behind in this process and in its database. */
async function countAll(sql: Sql): Promise<Map<string, number>> {
  const connections = await sql<{ name: string; count: number }[]>`
    select application_name as name, count(*)::int as count from pg_stat_activity
    where datname = current_database() group by 1`;
  const counts = new Map(connections.map(({ name, count }) => [`connections of ${name}`, count]));
  const add = (what: string, count = 1) => counts.set(what, (counts.get(what) ?? 0) + count);
  for (const kind of process.getActiveResourcesInfo()) if (KINDS.has(kind)) add(kind);
  for (const pid of descendants(process.pid)) add(`process ${commandOf(pid).split(' ')[0]}`);
  for (const name of readdirSync(tmpdir())) if (name.startsWith(`pdfprompt-chromium-${process.pid}-`)) add('profiles');
  for (const event of process.eventNames()) add(`listeners to ${String(event)}`, process.listenerCount(event));
  return counts;
}

/**
 * Counts what there is now. @returns a function that waits until there is no more than that
 * @throws if something is still there after `timeoutMs`, with its name
 */
export async function watchLeftOvers(sql: Sql, timeoutMs = 5_000): Promise<() => Promise<void>> {
  const before = await countAll(sql);
  return async () => {
    let more: string[] = [];
    const isGone = async () => {
      const now = await countAll(sql);
      more = [...now].filter(([what, count]) => count > (before.get(what) ?? 0)).map(([what]) => what);
      return more.length === 0;
    };
    await eventually(isGone, timeoutMs, 'nothing is left').catch((error: unknown) => {
      throw new Error(`left behind: ${more.join(', ')}`, { cause: error });
    });
  };
}
