import { type SQL, sql } from 'drizzle-orm';

/** The members of a request that are kept without the document: how it was printed, as numbers and choices. */
const KEPT =
  '{options,gotoOptions,emulateMediaType,viewport,waitForTimeout,setJavaScriptEnabled,timeoutMs,failOnStatus,failOnResourceError,rejectResourceTypes,bestAttempt,emulateMediaFeatures,failOnConsoleError,singlePage,priority,retention}';

/**
 * Print settings in a column without credentials and parts of the document: cookies, headers, templates, and every
 * member that is not known to be harmless.
 */
const redacted = (column: SQL) => sql`((
  select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(${column}) where key = any (${KEPT}::text[])
) #- '{options,headerTemplate}' #- '{options,footerTemplate}')`;

/** The column `request` of a job. */
export const REDACTED_REQUEST = redacted(sql`request`);

/** The column `url` of a job up to its path. */
export const REDACTED_URL = sql`substring(url from '^[^?#]*')`;

/** Assignments that erase the documents of parts, and what let them in. */
export const WITHOUT_DOCUMENT = sql`content = null, data = null, settings = ${redacted(sql`settings`)}`;

/** The same of an item of a batch: its title is needed when all of them are merged. */
export const WITHOUT_DOCUMENT_OF_ITEM = sql`${WITHOUT_DOCUMENT} || jsonb_strip_nulls(jsonb_build_object('title', settings -> 'title'))`;
