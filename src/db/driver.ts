import { registerHooks } from 'node:module';
import type { Options, Sql } from 'postgres';
import { PATCHES, POSTGRES_VERSION } from './driver-patches.ts';
import type { ConnectionHeartbeat } from './connection-heartbeat.ts';

/*
 * The database driver, patched by a load hook (`driver-patches.ts`), which works in a checkout and in an installed
 * package alike. The hook affects only modules loaded after it, so all code imports the driver, and the part of
 * drizzle that loads it, from this file.
 */
const applied = new Set<object>();

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const patches = PATCHES.filter(({ file }) => url.endsWith(file));
    if (patches.length === 0) return loaded;
    let source =
      typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source ?? undefined);
    for (const patch of patches) {
      if (source.split(patch.original).length !== 2) continue;
      source = source.replace(patch.original, () => patch.patched);
      applied.add(patch);
    }
    return { ...loaded, source };
  },
});

const { default: postgres } = await import('postgres');
const { drizzle } = await import('drizzle-orm/postgres-js');

if (applied.size !== PATCHES.length) {
  throw new Error(
    `postgres.js cannot be patched: it is not version ${POSTGRES_VERSION}, or it was loaded before db/driver.ts`,
  );
}

export { drizzle };
export const { PostgresError } = postgres;

export type Client = Sql;

interface ConnectOptions extends Options<Record<string, never>> {
  /** called for each notification of a LISTEN; missing in the driver's types */
  onnotify?: ((channel: string, payload: string) => void) | undefined;
  /** closes connections whose server is silent */
  heartbeat?: ConnectionHeartbeat;
}

/** A client with its own connections; the first query opens the first of them. */
export function connect(url: string, options: ConnectOptions = {}): Sql {
  return postgres(url, {
    onnotice: () => undefined,
    // Otherwise the driver queries the array types at each connect, which we do not need, and ignores a failure.
    fetch_types: false,
    ...options,
  });
}
