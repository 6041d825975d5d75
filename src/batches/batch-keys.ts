import { createHash } from 'node:crypto';
import { and, eq } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { batch } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { SentRow, SentRows } from './sent-row.ts';

interface Key {
  userId: string;
  idempotencyKey: string;
}

/** The batch that was made with an idempotency key, and what was sent then. */
export async function findKey(reads: Database, key: Key): Promise<{ id: string; hash: string } | undefined> {
  const [row] = await reads
    .select({ id: batch.id, sent: batch.sentHash })
    .from(batch)
    .where(and(forTenant(key.userId), eq(batch.userId, key.userId), eq(batch.idempotencyKey, key.idempotencyKey)));
  return row && { id: row.id, hash: Buffer.from(row.sent ?? []).toString('hex') };
}

/** Of what a repeated key must come with again, while it is read. */
export class SentHash {
  readonly #hash = createHash('sha256');

  /** @param head all but the rows */
  constructor(head: unknown) {
    this.#hash.update(canonicalJson(head));
  }

  add(rows: readonly SentRow[]): void {
    // Sorting the fields of each, as the head's are, would take longer than all the rest.
    this.#hash.update(rows.map(({ item }) => `\n${JSON.stringify(item ?? null)}`).join(''));
  }

  async addAll(rows: SentRows): Promise<void> {
    for await (const piece of rows) this.add(piece);
  }

  /** SHA-256 in hex. */
  hex(): string {
    return this.#hash.digest('hex');
  }
}
