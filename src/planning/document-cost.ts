import { z } from 'zod';
import type { Demand } from './queueing-model.ts';
import type { Share } from './shares.ts';

const ms = z.number().min(0).max(3_600_000);
const bytes = z.number().min(0);

/** What one kind of document costs, in milliseconds; those of a core are of the machine it was measured on. */
export const documentCost = z.strictObject({
  /** of a core, to render it in a warm page */
  renderMs: ms.gt(0),
  /** of a core, in addition where its tenant has no warm page */
  newPageMs: ms,
  /** with a slot while no core works for it: waiting for the network, the database */
  idleMs: ms,
  /** of a core of the worker apart from the rendering: claiming, storing */
  workerMs: ms,
  /** of a core of an API process: accepting, answering, sending the PDF */
  apiMs: ms,
  /** of a core of Postgres */
  databaseMs: ms,
  /** cores that work for one document, on average, when it has the machine to itself */
  parallelism: z.number().min(1).max(64),
  /** distribution of its time: equally likely multiples of the mean */
  spread: z.array(z.number().min(0)).min(1).max(1_000),
  htmlBytes: bytes,
  pdfBytes: bytes,
});

export type DocumentCost = z.infer<typeof documentCost>;

const MEGABYTE = 1024 * 1024;

/** The service's part by the bytes that pass: measured with an empty document, an invoice and a ticket of 590 KB (docs/performance.md). */
export function serviceCost({ htmlBytes, pdfBytes }: Pick<DocumentCost, 'htmlBytes' | 'pdfBytes'>) {
  const megabytes = (htmlBytes + pdfBytes) / MEGABYTE;
  return { workerMs: 5 + 14 * megabytes, apiMs: 5 + 17 * megabytes, databaseMs: 6 + 9 * megabytes };
}

interface WorkloadInput {
  /** kinds of documents; the shares' sum is 1 */
  mix: readonly Share[];
  documents: Readonly<Record<string, DocumentCost>>;
  /** share of documents whose tenant has no warm page */
  newPageShare: number;
  /** speed of a core, relative to the machine that was measured */
  coreSpeed?: number;
  /** work done on the workers' cores apart from the rendering */
  onWorker?: readonly ('workerMs' | 'apiMs' | 'databaseMs')[];
}

export type Workload = ReturnType<typeof workloadOf>;

/** A mix of documents: the averages, in which `newPageMs` counts as often as a new page is needed, and a draw. */
export function workloadOf(input: WorkloadInput) {
  const { mix, documents, newPageShare, coreSpeed = 1, onWorker = ['workerMs'] } = input;
  const kinds = mix.map(({ name, share }) => {
    const cost = documents[name] as DocumentCost;
    return { ...cost, share, afterMs: onWorker.reduce((sum, part) => sum + cost[part], 0) };
  });
  const mean = (key: Exclude<keyof (typeof kinds)[number], 'spread'>) =>
    kinds.reduce((sum, kind) => sum + kind.share * kind[key], 0);
  return {
    mean: {
      renderMs: mean('renderMs') / coreSpeed,
      newPageMs: (mean('newPageMs') * newPageShare) / coreSpeed,
      idleMs: mean('idleMs'),
      afterMs: mean('afterMs') / coreSpeed,
      apiMs: mean('apiMs'),
      databaseMs: mean('databaseMs'),
      parallelism: mean('parallelism'),
      pdfBytes: mean('pdfBytes'),
    },
    draw: (random: () => number): Demand => {
      let left = random();
      const kind = (kinds.find(({ share }) => (left -= share) < 0) ?? kinds[0]) as (typeof kinds)[number];
      const factor = kind.spread[Math.floor(random() * kind.spread.length)] ?? 1;
      const newPageMs = random() < newPageShare ? kind.newPageMs : 0;
      return {
        renderMs: (kind.renderMs * factor) / coreSpeed,
        newPageMs: newPageMs / coreSpeed,
        idleMs: kind.idleMs,
        afterMs: kind.afterMs / coreSpeed,
      };
    },
  };
}
