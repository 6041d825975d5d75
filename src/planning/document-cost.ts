import { UsageError } from '../kernel/errors.ts';
import type { Demand } from './queueing-model.ts';

/**
 * What one kind of document costs. Milliseconds; those of a core are of the machine it was measured on.
 */
export interface DocumentCost {
  /** of a core, to render it in a page that is warm */
  renderMs: number;
  /** of a core, on top where its tenant has no warm page */
  newPageMs: number;
  /** in which it has a slot and no core works for it: the network, the database */
  idleMs: number;
  /** of a core of the worker beside the rendering: claiming, storing */
  workerMs: number;
  /** of a core of an API process: accepting, answering, sending the PDF */
  apiMs: number;
  /** of a core of Postgres */
  databaseMs: number;
  /** cores that work for one document, on average, when it has the machine to itself */
  parallelism: number;
  /** how its time is spread: equally likely multiples of its mean */
  spread: readonly number[];
  htmlBytes: number;
  pdfBytes: number;
}

/** A document of each kind at a time: what share of all documents each kind is. */
export type Mix = { document: string; share: number }[];

const MEGABYTE = 1024 * 1024;

/**
 * What the way through the service costs beside the rendering, by the bytes that pass: measured with a document of
 * nothing, an invoice and a ticket of 590 KB (docs/performance.md).
 */
export function serviceCost({ htmlBytes, pdfBytes }: Pick<DocumentCost, 'htmlBytes' | 'pdfBytes'>) {
  const megabytes = (htmlBytes + pdfBytes) / MEGABYTE;
  return { workerMs: 5 + 14 * megabytes, apiMs: 5 + 17 * megabytes, databaseMs: 6 + 9 * megabytes };
}

/** @param text such as `invoice:80,ticket:15,report:5`; the numbers are parts, of whatever sum @throws UsageError */
export function parseMix(text: string, known: readonly string[]): Mix {
  const allowed = `allowed: NAME:PARTS,… such as invoice:80,ticket:20, of ${known.join(', ')}`;
  const parts = text.split(',').map((part) => {
    const [, document = '', number = ''] = /^([^:]*[^:\s])\s*:\s*(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? [];
    if (number === '')
      throw new UsageError(`--mix: ${JSON.stringify(part)} is not a document and its part; ${allowed}`);
    if (!known.includes(document))
      throw new UsageError(`--mix: there is no document ${JSON.stringify(document)}; ${allowed}`);
    return { document, share: Number(number) };
  });
  if (new Set(parts.map(({ document }) => document)).size < parts.length)
    throw new UsageError(`--mix: a document is named twice; ${allowed}`);
  const sum = parts.reduce((total, { share }) => total + share, 0);
  if (!(sum > 0)) throw new UsageError(`--mix: all parts are 0; ${allowed}`);
  return parts.filter(({ share }) => share > 0).map(({ document, share }) => ({ document, share: share / sum }));
}

/** Documents of a mix, drawn as they come. */
export interface Workload {
  /** averages over the mix; `newPageMs` is what a document pays on average */
  mean: Omit<DocumentCost, 'spread'>;
  draw: (random: () => number) => Demand;
}

interface WorkloadInput {
  mix: Mix;
  documents: Readonly<Record<string, DocumentCost>>;
  /** share of documents whose tenant has no warm page */
  newPageShare: number;
  /** a core of this machine does so many times the work of one where it was measured */
  coreSpeed?: number;
  /** the API's work, and the database's, is done on the workers' cores too */
  sharesCoresWith?: { api: boolean; database: boolean };
}

export function workloadOf({
  mix,
  documents,
  newPageShare,
  coreSpeed = 1,
  sharesCoresWith = { api: false, database: false },
}: WorkloadInput): Workload {
  const kinds = mix.map(({ document, share }) => ({ share, cost: documents[document] as DocumentCost }));
  const average = (of: (cost: DocumentCost) => number) =>
    kinds.reduce((sum, { share, cost }) => sum + share * of(cost), 0);
  const besides = (cost: DocumentCost) =>
    cost.workerMs + (sharesCoresWith.api ? cost.apiMs : 0) + (sharesCoresWith.database ? cost.databaseMs : 0);
  return {
    mean: {
      renderMs: average((cost) => cost.renderMs) / coreSpeed,
      newPageMs: (average((cost) => cost.newPageMs) * newPageShare) / coreSpeed,
      idleMs: average((cost) => cost.idleMs),
      workerMs: average(besides) / coreSpeed,
      apiMs: average((cost) => cost.apiMs),
      databaseMs: average((cost) => cost.databaseMs),
      parallelism: average((cost) => cost.parallelism),
      htmlBytes: average((cost) => cost.htmlBytes),
      pdfBytes: average((cost) => cost.pdfBytes),
    },
    draw: (random) => {
      let left = random();
      const kind = kinds.find(({ share }) => (left -= share) < 0) ?? kinds[0];
      const { cost } = kind as (typeof kinds)[number];
      const factor = cost.spread[Math.floor(random() * cost.spread.length)] ?? 1;
      const newPageMs = random() < newPageShare ? cost.newPageMs : 0;
      return {
        renderMs: (cost.renderMs * factor + newPageMs) / coreSpeed,
        idleMs: cost.idleMs,
        afterMs: besides(cost) / coreSpeed,
      };
    },
  };
}
