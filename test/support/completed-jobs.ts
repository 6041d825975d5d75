import { v7 as uuidv7 } from 'uuid';
import type { FileType } from '../../src/domain/media-type.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { doneWith } from './outcomes.ts';
import type { TestService } from './service.ts';

/** Makes completed jobs of bytes, without a worker. @returns a function that makes one: its id */
export async function openCompletedJobs(service: TestService) {
  const { db, queue, stores, events } = service.base;
  const workerId = uuidv7();
  await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  return async (
    files: (Uint8Array | string)[],
    { key = service.key, filename, type }: { key?: string; filename?: string; type?: FileType } = {},
  ): Promise<string> => {
    const body = JSON.stringify({ html: 'x', filename });
    const { id } = (await (await service.request('/v1/jobs', { method: 'POST', key, body })).json()) as { id: string };
    const job = (await claimJobs({ db, queue, events }, { workerId, count: 10 })).find((each) => each.id === id);
    const made = files.flatMap((bytes) =>
      doneWith(Buffer.from(bytes)).files.map((file) => ({ ...file, ...(type && { type }) })),
    );
    const outcome = { ...doneWith(new Uint8Array()), files: made };
    await finishJob({ db, queue, stores, retentionMs: 3_600_000 }, job as ClaimedJob, outcome);
    return id;
  };
}
