import { JOB_STATUSES, type JobStatus } from '../../src/domain/job.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { createUnlimitedKey, principalOf } from './accounts.ts';
import { doneWith } from './outcomes.ts';
import type { TestService } from './service.ts';

/** The Idempotency-Key of every tenant's queued job. */
export const SHARED_KEY = 'the-same-for-all';

export interface Tenant {
  email: string;
  key: string;
  userId: string;
  /** one job in every status */
  jobs: Record<JobStatus, string>;
  /** of the completed job */
  pdf: string;
}

/** Tenants with a template and a job in every status each: scheduled, queued, processing, completed with a PDF, failed, cancelled. */
export async function createTenants(service: TestService, emails: string[]): Promise<Tenant[]> {
  const { db, queue, stores, events } = service.base;
  const workerId = '01a20b1c-7e0d-7435-94b8-00000000000e';
  await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const tenants: Tenant[] = [];
  for (const email of emails) {
    const { key } = await createUnlimitedKey(db, email);
    const { userId } = await principalOf(db, key);
    const submit = async (runAt?: string) => {
      const body = JSON.stringify({ html: `<p>${email}</p>`, metadata: { owner: email }, runAt });
      const response = await service.request('/v1/jobs', { method: 'POST', body, key });
      if (response.status !== 202) throw new Error(`POST /v1/jobs answered ${response.status}`);
      return ((await response.json()) as { id: string }).id;
    };
    const content = JSON.stringify({
      files: { 'index.html': { text: `<p>${email}</p>` }, [`${userId}.css`]: { text: userId } },
    });
    const saved = await service.request('/v1/templates/letter', { method: 'PUT', body: content, key });
    if (saved.status !== 201) throw new Error(`PUT /v1/templates/letter answered ${saved.status}`);
    const jobs = {} as Record<JobStatus, string>;
    for (const status of JOB_STATUSES)
      if (status !== 'queued') jobs[status] = await submit(status === 'scheduled' ? inAnHour : undefined);
    const claimed = await claimJobs({ db, queue, events }, { workerId, count: 10 });
    const finish = async (status: JobStatus, outcome: Outcome) => {
      const job = claimed.find(({ id }) => id === jobs[status]) as ClaimedJob;
      await finishJob({ db, queue, stores, retentionMs: 3_600_000 }, job, outcome);
    };
    const pdf = `%PDF-1.7 of ${email}`;
    await finish('completed', doneWith(new TextEncoder().encode(pdf)));
    await finish('failed', { kind: 'reject', code: 'print_failed', message: `a fault of ${email}` });
    await cancelJob({ db, queue, events }, { userId, jobId: jobs.cancelled, requestId: undefined });
    tenants.push({ email, key, userId, jobs, pdf });
  }
  // Last of all, or they would be claimed with the rest.
  for (const { key, email, jobs } of tenants) {
    const body = JSON.stringify({ html: `<p>${email}</p>`, metadata: { owner: email } });
    const headers = { 'Idempotency-Key': SHARED_KEY };
    const response = await service.request('/v1/jobs', { method: 'POST', body, key, headers });
    jobs.queued = ((await response.json()) as { id: string }).id;
  }
  return tenants;
}
