import type { Job } from '../../src/domain/job.ts';

export interface SteadyLoad {
  /** of the jobs that were accepted until now */
  readonly ids: string[];
  /** Lets everybody wait for their last job. */
  stop: () => Promise<{ ids: string[]; failed: string[] }>;
}

/** Six clients, each with one document after the other, for which they wait. */
export function startLoad(address: string, headers: Record<string, string>): SteadyLoad {
  const failed: string[] = [];
  const ids: string[] = [];
  let isOver = false;
  const ask = async (path: string, init: RequestInit = {}): Promise<Job | undefined> => {
    try {
      const response = await fetch(`${address}${path}`, { headers, ...init });
      if (response.ok) return (await response.json()) as Job;
      failed.push(`${path}: ${response.status} ${await response.text()}`);
    } catch (error) {
      failed.push(`${path}: ${String(error)}`);
    }
    return undefined;
  };
  const client = async () => {
    while (!isOver) {
      const body = JSON.stringify({ html: '<p>x</p>', waitForTimeout: Math.floor(Math.random() * 800) });
      const job = await ask('/v1/jobs', { method: 'POST', body });
      if (job) ids.push(job.id);
      for (let status = job?.status; status === 'queued' || status === 'processing';)
        status = (await ask(`/v1/jobs/${job?.id}?wait=2`))?.status;
    }
  };
  const clients = Array.from({ length: 6 }, client);
  return {
    ids,
    stop: async () => {
      isOver = true;
      await Promise.all(clients);
      return { ids, failed };
    },
  };
}
