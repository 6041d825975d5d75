import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createKey } from '../accounts/keys.ts';
import { findLogin } from '../accounts/principals.ts';
import { createSignInLink, type SignInLink } from '../accounts/sign-in-links.ts';
import type { Database } from '../db/pools.ts';
import { demoKeyPath, keptDemoKey } from './demo-key.ts';

const DEMO_USER = 'demo@localhost';
/** Not starter: its limit of two requests a minute is too low for trying things out. */
const DEMO_TIER = 'enterprise';
/** What the printed link may do, in the console and in the studio. */
const DEMO_LINK = ['jobs:write', 'jobs:read', 'admin'] as const;

/** The user of `up`, who is created at its first start: the API key, and a link that signs in to the console once. */
export async function demoUser(db: Database, dataDir: string): Promise<{ key: string; link: SignInLink }> {
  return {
    key: await demoKey(db, dataDir),
    link: await createSignInLink(db, { email: DEMO_USER, scopes: DEMO_LINK }),
  };
}

/**
 * The database keeps only the hash of a key. The demo user's key is therefore kept in a file that only this
 * user can read: every start prints a command with it that works as pasted.
 */
async function demoKey(db: Database, dataDir: string): Promise<string> {
  const kept = await keptDemoKey(dataDir);
  if (await findLogin(db, kept)) return kept;
  const { key } = await createKey(db, { email: DEMO_USER, tier: DEMO_TIER });
  const path = demoKeyPath(dataDir);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  return key;
}
