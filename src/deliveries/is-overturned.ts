import { sql } from 'drizzle-orm';

/** Of a delivery `d`: whether it reports that an upload failed which was delivered since, by a replay. */
export const isOverturned = sql.raw(`(d.kind = 'report' and d.report_on = 'failed' and exists (
  select from pdfprompt_delivery u where u.id = d.after and u.status = 'delivered'))`);
