import { sql } from 'drizzle-orm';

/** What is kept of a request when its document is not: how it was printed, in numbers and choices. */
const KEPT =
  '{options,gotoOptions,emulateMediaType,viewport,waitForTimeout,setJavaScriptEnabled,timeoutMs,failOnStatus,failOnResourceError,priority}';

/**
 * Of a job's row: the request without what may have been there to let somebody in, or is a part of the document.
 * Cookies, headers, templates, and whatever else is not known to be harmless.
 */
export const REQUEST_WITHOUT_SECRETS = sql`((
  select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(request) where key = any (${KEPT}::text[])
) #- '{options,headerTemplate}' #- '{options,footerTemplate}')`;

/** And where the document came from, without what is behind the path. */
export const URL_WITHOUT_SECRETS = sql`substring(url from '^[^?#]*')`;
