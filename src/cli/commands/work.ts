import type { Command } from 'commander';
import { processCommand } from '../process-command.ts';

export function workCommand(): Command {
  return processCommand({
    name: 'work',
    description: 'A worker; start any number, on any machines that reach the database',
    start: async (options) => (await import('../../runtime/work.ts')).work(options),
    facts: (_, { workerConcurrency: { initial, max }, workOnly, deliveryConcurrency }) =>
      workOnly === 'deliveries' ? { deliveryConcurrency } : { concurrency: initial, maxConcurrency: max },
    greeting: (_, { workerConcurrency: { initial, max }, workOnly, deliveryConcurrency }) =>
      workOnly === 'deliveries'
        ? `pdfprompt delivers, ${deliveryConcurrency} webhooks at a time`
        : `pdfprompt works, ${initial} documents at a time${max > initial ? `, up to ${max} where that is faster` : ''}`,
  });
}
