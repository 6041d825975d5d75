/**
 * Of these we lean on more than what they promise, so an installed package must get the version that was
 * tested: whoever installs it has no lock file of ours.
 *
 * - postgres: `src/db/driver-patches.ts` replaces lines of it.
 * - drizzle-orm: `src/db/drizzle-resolution.ts` finds its files, `src/db/pools.ts` stands in for its client.
 * - pg-boss: `src/queue/boss.ts` takes its statements apart and knows its schema's version.
 * - puppeteer: what a page keeps from one document to the next was looked for in this version.
 */
export const PINNED = ['postgres', 'drizzle-orm', 'pg-boss', 'puppeteer'] as const;
