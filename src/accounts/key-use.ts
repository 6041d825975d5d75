import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';

const FLUSH_MS = 10_000;

interface KeyUseOptions {
  db: Database;
  onError: (error: unknown) => void;
}

/** Writes `last_used_at` of the API keys, once in 10 s for all requests since. */
export class KeyUse extends Lifecycle<KeyUseOptions> {
  /** by the key's id */
  #lastUsed = new Map<string, Date>();

  used(keyId: string): void {
    this.#lastUsed.set(keyId, new Date());
  }

  protected async onStart(): Promise<void> {
    void this.repeat(FLUSH_MS, () => this.#flush());
  }

  protected override async onStop(): Promise<void> {
    await waitBriefly(this.#flush());
  }

  async #flush(): Promise<void> {
    const lastUsed = this.#lastUsed;
    if (lastUsed.size === 0) return;
    this.#lastUsed = new Map();
    try {
      const uses = JSON.stringify([...lastUsed].map(([id, at]) => ({ id, at })));
      // A locked key is skipped: another process is writing the same, or an operator is changing the key.
      await this.options.db.execute(sql`
        update pdfprompt_api_key k set last_used_at = greatest(k.last_used_at, u.at)
        from (
          select k.id, u.at from json_to_recordset(${uses}::text::json) as u (id uuid, at timestamptz)
          join pdfprompt_api_key k on k.id = u.id for update of k skip locked
        ) as u where k.id = u.id`);
    } catch (error) {
      for (const [id, at] of lastUsed) if (!this.#lastUsed.has(id)) this.#lastUsed.set(id, at);
      this.options.onError(error);
    }
  }
}
