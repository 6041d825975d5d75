import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';

interface StandIn {
  url: string;
  /** delays every response until so many milliseconds from now */
  stall: (ms: number) => void;
  /** jobs that were cancelled */
  cancelled: string[];
  stop: () => Promise<void>;
}

interface StandInOptions {
  /** by the number of the submission: a status other than 202, or undefined */
  refuse?: (number: number) => { status: number; code: string } | undefined;
  /** a job that never ends */
  isEndless?: boolean;
  /** responds 404 to everything */
  isStranger?: boolean;
  /** what is served as the PDF */
  pdf?: string;
}

const PDF = '%PDF-1.4 not really';

/** A service with the jobs' part of the API that renders nothing: a load test must report exactly what it responds. */
export async function startStandIn({
  refuse,
  isEndless = false,
  isStranger = false,
  pdf = PDF,
}: StandInOptions = {}): Promise<StandIn> {
  let submissions = 0;
  let quietUntil = 0;
  const cancelled: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const say = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    const path = (request.url ?? '').replace(/\?.*/, '');
    const id = path.split('/')[3] ?? '';
    if (isStranger) return say(404, {});
    if (request.method === 'POST') {
      const refusal = refuse?.(submissions++);
      return refusal ? say(refusal.status, { code: refusal.code }) : say(202, { id: `job-${submissions}` });
    }
    if (request.method === 'DELETE') {
      cancelled.push(id);
      return say(200, {});
    }
    if (path === '/livez') return say(200, { status: 'ok' });
    if (path.endsWith('/pdf')) return response.end(pdf);
    const job: Pick<Job, 'status' | 'timings'> & { file: { size: number } } = {
      status: isEndless ? 'processing' : 'completed',
      timings: { queued: 3, total: 10 },
      file: { size: PDF.length },
    };
    if (isEndless) setTimeout(() => say(200, job), 500);
    else say(200, job);
  };
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      const wait = quietUntil - performance.now();
      if (wait > 0) setTimeout(() => answer(request, response), wait);
      else answer(request, response);
    });
  });
  const port = await listenOnLoopback(server);
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  afterAll(stop);
  return {
    url: `http://127.0.0.1:${port}`,
    stall: (ms) => (quietUntil = performance.now() + ms),
    cancelled,
    stop,
  };
}
