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

/** A mix of documents. */
export interface Workload {
  /** averages over the mix; `newPageMs` is what a document costs on average */
  mean: Omit<DocumentCost, 'spread'>;
  /** draws a document */
  draw: (random: () => number) => Demand;
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

export function workloadOf({
  mix,
  documents,
  newPageShare,
  coreSpeed = 1,
  onWorker = ['workerMs'],
}: WorkloadInput): Workload {
  const kinds = mix.map(({ name, share }) => {
    const cost = documents[name] as DocumentCost;
    return { share, cost, afterMs: onWorker.reduce((sum, part) => sum + cost[part], 0) };
  });
  const average = (of: (kind: (typeof kinds)[number]) => number) =>
    kinds.reduce((sum, kind) => sum + kind.share * of(kind), 0);
  const mean = (key: keyof Workload['mean']) => average(({ cost }) => cost[key]);
  return {
    mean: {
      renderMs: mean('renderMs') / coreSpeed,
      newPageMs: (mean('newPageMs') * newPageShare) / coreSpeed,
      idleMs: mean('idleMs'),
      workerMs: average(({ afterMs }) => afterMs) / coreSpeed,
      apiMs: mean('apiMs'),
      databaseMs: mean('databaseMs'),
      parallelism: mean('parallelism'),
      htmlBytes: mean('htmlBytes'),
      pdfBytes: mean('pdfBytes'),
    },
    draw: (random) => {
      let left = random();
      const kind = kinds.find(({ share }) => (left -= share) < 0) ?? kinds[0];
      const { cost, afterMs } = kind as (typeof kinds)[number];
      const factor = cost.spread[Math.floor(random() * cost.spread.length)] ?? 1;
      const newPageMs = random() < newPageShare ? cost.newPageMs : 0;
      return {
        renderMs: (cost.renderMs * factor + newPageMs) / coreSpeed,
        idleMs: cost.idleMs,
        afterMs: afterMs / coreSpeed,
      };
    },
  };
}
