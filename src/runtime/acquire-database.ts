import type { Config } from '../config/load.ts';
import { EmbeddedPostgres } from '../db/embedded.ts';
import { VERSION } from './version.ts';

export type Progress = (message: string) => void;

/** The database that the settings name, or the embedded one. */
export interface DatabaseHandle {
  url: string;
  /** for what needs a session of its own: bypasses the pooler, if there is one */
  directUrl: string;
  isEmbedded: boolean;
  release(): Promise<void>;
}

/** @throws OperatorError if the embedded Postgres does not start */
export async function acquireDatabase(config: Config, onProgress: Progress): Promise<DatabaseHandle> {
  const { databaseUrl: url, databaseDirectUrl: directUrl = url } = config;
  if (url !== undefined && directUrl !== undefined)
    return { url, directUrl, isEmbedded: false, release: async () => undefined };
  const embedded = new EmbeddedPostgres({ dataDir: config.dataDir, release: VERSION, onProgress });
  await embedded.start();
  return { url: embedded.url, directUrl: embedded.url, isEmbedded: true, release: () => embedded.stop() };
}
