import type { Config } from '../config/load.ts';
import type { Database } from '../db/pools.ts';
import { type ErasedUser, eraseUser } from '../jobs/erase-user.ts';
import { JobQueue } from '../queue/boss.ts';
import { Stores } from '../storage/stores.ts';

/** For a command, which has the settings but no store. @throws what {@link eraseUser} throws */
export async function eraseUserByEmail(
  { db, config }: { db: Database; config: Config },
  email: string,
): Promise<ErasedUser> {
  const queue = new JobQueue({ db, supervise: false, onError: () => undefined }); // every call rejects with the same error
  await queue.start();
  try {
    return await eraseUser({ db, queue, stores: new Stores(config) }, { email });
  } finally {
    await queue.stop();
  }
}
