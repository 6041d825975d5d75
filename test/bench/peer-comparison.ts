import { closedLoop, type LoadResult, nothingYet, openLoop, poisson, together } from './peer-load.ts';
import type { Printer } from './peer-printer.ts';
import { percentile } from './stage.ts';

/** Arrivals, as shares of what the same printer did in the closed loop. */
export const LOADS = [0.2, 0.4, 0.6, 0.8, 0.95];
const ROUNDS = 2;
/** Before each measurement. */
const WARM_UP_SECONDS = 1;
/** A p95 of fewer documents says nothing: an open loop lasts until so many came, within reason. */
const ENOUGH = 40;
const MOST_TIMES = 4;

/** Of one printer under one load. */
export interface Figures {
  documents: number;
  /** documents a second */
  rate: number;
  /** milliseconds; null if none came */
  p50: number | null;
  p95: number | null;
  failures: number;
  firstFailure?: string;
}

export interface Curve {
  name: string;
  closed: Figures;
  /** documents a second, as a part of the first printer's */
  ratio: number | null;
  /** one for each of {@link LOADS}; none if nothing came in the closed loop */
  open: (Figures & { load: number; offered: number })[];
}

export interface Comparison {
  clients: number;
  seconds: number;
  documents: { name: string; curves: Curve[] }[];
}

interface Plan {
  /** by name */
  documents: readonly (readonly [name: string, html: string])[];
  clients: number;
  /** of each measurement */
  seconds: number;
  onProgress: (what: string) => void;
}

/** All printers in turns with the same documents: first with so many clients, then at planned moments. The first is the reference. */
export async function comparePrinters(printers: readonly Printer[], plan: Plan): Promise<Comparison> {
  const { clients, seconds, onProgress } = plan;
  const documents: Comparison['documents'] = [];
  for (const [name, html] of plan.documents) {
    const loops = printers.map((printer) => ({
      printer,
      print: () => printer.print(html),
      closed: nothingYet(),
      open: [] as Curve['open'],
    }));
    for (let round = 0; round < ROUNDS; round++)
      for (const loop of loops) {
        onProgress(`${name}: ${loop.printer.name}, ${clients} clients`);
        await closedLoop(loop.print, { clients, seconds: Math.min(WARM_UP_SECONDS, seconds) });
        loop.closed = together(loop.closed, await closedLoop(loop.print, { clients, seconds }));
      }
    for (const load of LOADS)
      for (const loop of loops) {
        const offered = figuresOf(loop.closed).rate * load;
        if (offered === 0) continue;
        onProgress(`${name}: ${loop.printer.name}, ${Math.round(load * 100)} %`);
        const lasting = Math.min(Math.max(seconds, ENOUGH / offered), MOST_TIMES * seconds);
        loop.open.push({ load, offered, ...figuresOf(await openLoop(loop.print, poisson(offered, lasting), lasting)) });
      }
    const [reference] = loops.map(({ closed }) => figuresOf(closed).rate);
    const curves = loops.map(({ printer, closed, open }): Curve => {
      const figures = figuresOf(closed);
      return { name: printer.name, closed: figures, ratio: reference ? figures.rate / reference : null, open };
    });
    documents.push({ name, curves });
  }
  return { clients, seconds, documents };
}

function figuresOf({ times, seconds, failures, firstFailure }: LoadResult): Figures {
  const at = (percent: number) => (times.length > 0 ? percentile(times, percent) : null);
  return {
    documents: times.length,
    rate: seconds > 0 ? times.length / seconds : 0,
    p50: at(50),
    p95: at(95),
    failures,
    ...(firstFailure !== undefined && { firstFailure }),
  };
}
