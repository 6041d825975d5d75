import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Scope } from './access-paths.ts';
import { afterPrefix } from '../domain/after-prefix.ts';

/** What is left to be checked of each job `j`. @param covers fields that need not be checked */
export function conditionsLeft({ filter, range, users, holders }: Scope, covers: readonly string[]): SQL[] {
  const { status, user, email, filename, metadata = {}, error, tier, template, batch, retried } = filter;
  const isLeft = (field: string, value: unknown) => value !== undefined && !covers.includes(field);
  const conditions: (SQL | false)[] = [
    isLeft('status', status) && sql`j.status = ${status}`,
    isLeft('user', users) && sql`j.user_id = any (${arrayLiteral(users ?? [])}::uuid[])`,
    email !== undefined && (user !== undefined || !users) && (holders ? ofHolders(holders) : withEmail(email)),
    isLeft('id', range.from) && sql`j.id >= ${range.from}::uuid`,
    isLeft('id', range.to) && sql`j.id <= ${range.to}::uuid`,
    isLeft('filename', filename) && sql`starts_with(j.filename, ${filename})`,
    ...Object.entries(metadata).map(([key, value]) => isLeft(`metadata.${key}`, value) && withEntry(key, value)),
    isLeft('error', error) && sql`j.error_code = ${error}`,
    isLeft('tier', tier) && sql`j.tier = ${tier}`,
    isLeft('template', template) && withTemplate(template ?? ''),
    isLeft('batch', batch) && sql`j.batch_id = ${batch}::uuid`,
    isLeft('retried', retried) && wasRetried(retried === true),
  ];
  return conditions.filter((each) => each !== false);
}

/** As a sub-select they are looked up in a hash; an array would be gone through for each job. */
const ofHolders = (users: readonly string[]) => sql`j.user_id in (select unnest(${arrayLiteral(users)}::uuid[]))`;

const withEmail = (start: string) =>
  sql`(select u.email collate "C" >= ${start} and u.email collate "C" < ${afterPrefix(start)} from pdfprompt_user u where u.id = j.user_id)`;

const withEntry = (key: string, value: string) =>
  value.endsWith('*')
    ? sql`starts_with(j.metadata ->> ${key}, ${value.slice(0, -1)})`
    : sql`j.metadata ->> ${key} = ${value}`;

const withTemplate = (template: string) =>
  template.includes('@')
    ? sql`${template} = any (j.templates)`
    : sql`(select bool_or(starts_with(each, ${`${template}@`})) from unnest(j.templates) as each)`;

/** As a sub-select it is looked for job by job. */
const wasRetried = (isWanted: boolean) => {
  const retry = sql`(select 1 from pdfprompt_job r where r.retry_of = j.id limit 1)`;
  return isWanted ? sql`${retry} is not null` : sql`${retry} is null`;
};
