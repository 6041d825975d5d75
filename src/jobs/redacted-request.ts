import { sql } from 'drizzle-orm';

/** The members of a request that are kept without the document: how it was printed, as numbers and choices. */
const KEPT =
  '{options,gotoOptions,emulateMediaType,viewport,waitForTimeout,setJavaScriptEnabled,timeoutMs,failOnStatus,failOnResourceError,priority}';

/**
 * The column `request` of a job without credentials and parts of the document: cookies, headers, templates, and every
 * member that is not known to be harmless.
 */
export const REDACTED_REQUEST = sql`((
  select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(request) where key = any (${KEPT}::text[])
) #- '{options,headerTemplate}' #- '{options,footerTemplate}')`;

/** The column `url` of a job up to its path. */
export const REDACTED_URL = sql`substring(url from '^[^?#]*')`;
