import { z } from 'zod';
import { findSession } from '../../accounts/console-sessions.ts';
import type { Database } from '../../db/pools.ts';
import type { EventHub } from '../../deliveries/event-hub.ts';
import { beatBytes } from '../../deliveries/job-listener.ts';
import { answered } from '../answered.ts';
import { EVENT_STREAM_HEADERS, EventStream } from '../event-stream.ts';
import { readQuery } from '../query.ts';
import type { AppContext } from '../route.ts';
import { CONSOLE, sessionToken } from './session.ts';

/** Milliseconds in which several ends of jobs and batches are one event. */
const GATHER_MS = 100;
const CHANGED = Buffer.from('event: changed\ndata:\n\n');

const query = z.object({ job: z.uuid().toLowerCase().optional() });

/** Events without content, after which a page fetches its live parts: a job or a batch has ended, or the job that it shows. */
export async function consoleEvents(c: AppContext, { hub, db }: { hub: EventHub; db: Database }): Promise<Response> {
  const { job } = readQuery(c, query);
  const token = sessionToken(c);
  const outlet = new EventStream(c.env.outgoing);
  let timer: NodeJS.Timeout | undefined;
  const leave = hub.watch({
    hint: (id) => {
      if (job !== undefined && id !== undefined && id !== job) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        outlet.write(CHANGED);
      }, GATHER_MS);
    },
    isAllowed: () => isOpen(db, token),
    beat: () => (outlet.isStuck ? outlet.cut() : outlet.write(beatBytes(undefined))),
    end: () => outlet.end(),
  });
  void answered(c).then(() => {
    leave();
    clearTimeout(timer);
  });
  outlet.write(beatBytes(undefined));
  return new Response(outlet.body, { headers: EVENT_STREAM_HEADERS });
}

/** Whether the session still opens the console. While that cannot be found out, it does. */
async function isOpen(db: Database, token: string): Promise<boolean> {
  try {
    const session = await findSession(db, token);
    return session !== undefined && CONSOLE.isOpenFor(session.scopes);
  } catch {
    return true;
  }
}
