import { sql } from 'drizzle-orm';

/** All items are their batch's owner's. That is asked once: by the items' own rows, an index of all jobs of the owner may be taken. */
export const isOwner = (userId: string, batchId: string) =>
  sql`(select b.user_id from pdfprompt_batch b where b.id = ${batchId}) = ${userId}`;
