import { registerHooks } from 'node:module';
import type { Options, Sql } from 'postgres';
import { PATCHES, POSTGRES_VERSION } from './driver-patches.ts';
import type { ConnectionHeartbeat } from './connection-heartbeat.ts';

/**
 * The database driver, patched as it is loaded (`driver-patches.ts`). A load hook does it in a checkout and
 * in an installed package alike. It works only on what is loaded after it, so this file is the one door to
 * the driver and to the part of drizzle that loads it.
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
      if (source.split(patch.original).length !== 2) continue; // not there, or not only there
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
    `postgres.js is not the version ${POSTGRES_VERSION} that is patched here, or was loaded before the patches`,
  );
}

export { drizzle };
export const { PostgresError } = postgres;

export type Client = Sql;

interface ConnectOptions extends Options<Record<string, never>> {
  /** what LISTEN hears; the driver's own types leave it out */
  onnotify?: ((channel: string, payload: string) => void) | undefined;
  /** gives up connections whose other end is silent */
  heartbeat?: ConnectionHeartbeat;
}

/** A client with its own connections; none is opened before the first query. */
export function connect(url: string, options: ConnectOptions = {}): Sql {
  return postgres(url, {
    onnotice: () => undefined,
    // A query of the driver's own at each connect, whose failure nobody would hear of. We need no array types.
    fetch_types: false,
    ...options,
  });
}
