import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { PdfBytes } from '../../src/domain/outcome.ts';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import type { ResultSettings } from '../../src/domain/finishing.ts';
import { Finisher, type FinishContext } from '../../src/finishing/finisher.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { privateBytes, processTree } from '../../src/memory/processes.ts';
import { commandOf } from '../support/processes.ts';
import { silentEvents } from '../support/silent-events.ts';
import { Span } from '../../src/telemetry/span.ts';
import { percentile, type Result, type Stage } from './stage.ts';

const ROUNDS = 9;
const COPIES = 20;
const FIXTURE = new URL('../fixtures/invoice.html', import.meta.url).pathname;

/** What is asked for, one thing at a time. */
const WANTED: Record<string, ResultSettings> = {
  nothing: {},
  properties: { finishing: { properties: { title: 'A title' } } as never },
  'pages, reversed': { finishing: { pages: '99999-1' } as never },
  rotate: { finishing: { rotate: 90 } as never },
  flatten: { finishing: { flatten: true } as never },
  images: { finishing: { images: { maxDpi: 150, quality: 80 } } as never },
  bookmarks: { finishing: { bookmarks: [{ title: 'First', page: 1 }] } as never },
  'split, every page': { split: { every: 1 } },
  'object streams': { finishing: { objectStreams: true } as never },
  linearize: { finishing: { linearize: true } as never },
  encrypt: { finishing: { encrypt: { userPassword: 'a', permissions: {} } } as never },
  'PDF/A-3b': { finishing: { conformance: ['PDF/A-3b'] } as never },
  'PDF/A-3b and PDF/UA-1': { finishing: { conformance: ['PDF/A-3b', 'PDF/UA-1'] } as never },
};

/** Milliseconds and megabytes of each step that takes a PDF of a sample, in a process that is there. */
export async function steps(stage: Stage, files: string[]): Promise<Result> {
  const renderer = await stage.renderer();
  const took = new Map<string, number[]>();
  const events = silentEvents();
  events.stepEnded = ({ step, ms }) => void took.set(step, [...(took.get(step) ?? []), ms]);
  const caps = { maxBytes: 200 * MEGABYTE, maxPages: 5_000, memoryBytes: 2_048 * MEGABYTE };
  const finisher = new Finisher({ isolation: 'tenant', caps, events, processes: 1 });
  await finisher.start();
  const result: Result = {};
  for (const file of files.length > 0 ? files : [FIXTURE]) {
    const html = readFileSync(file, 'utf8');
    const name = basename(file, '.html');
    const parsed = parsePdfRequest({ html, options: { tagged: true, outline: true }, timeoutMs: 120_000 });
    if (!parsed.ok) throw new Error('the document is not a valid request');
    const printed = await renderer.render(onlyPart(parsed.request), { tenant: 'bench' });
    if (printed.kind !== 'done') throw new Error(JSON.stringify(printed));
    const run = async (pdfs: PdfBytes[], wanted: ResultSettings) => {
      const context: FinishContext = { settings: parsed.request, result: wanted, timeoutMs: 120_000, tenant: 'bench', span: new Span() }; // prettier-ignore
      const outcome = await finisher.finish(pdfs, context);
      if (outcome.kind !== 'done') return outcome.kind === 'interrupted' ? outcome.kind : outcome.message;
      return outcome.files;
    };
    result[`${name}: printed`] = `${printed.pdf.pages} pages, ${printed.pdf.size} bytes`;
    for (const [what, wanted] of Object.entries({ ...WANTED, [`${COPIES} merged`]: {} })) {
      const pdfs = Array.from({ length: what.endsWith(' merged') ? COPIES : 1 }, () => printed.pdf);
      let made = await run(pdfs, wanted);
      took.clear();
      const times: number[] = [];
      const cpu = cpuOfSteps();
      for (let round = 0; round < ROUNDS; round++) {
        const startedAt = performance.now();
        made = await run(pdfs, wanted);
        times.push(performance.now() - startedAt);
      }
      const cpuMs = (cpuOfSteps() - cpu) / ROUNDS;
      const each = [...took].map(([step, ms]) => `${step} ${percentile(ms, 50).toFixed(1)}`).join(', ');
      const size =
        typeof made === 'string' ? made.slice(0, 100) : `${made.reduce((sum, one) => sum + one.size, 0)} bytes`;
      result[`${name}: ${what}`] =
        `${percentile(times, 50).toFixed(1)} ms (${each}), ${cpuMs.toFixed(0)} ms of CPU, ${memoryOfSteps()} MB, ${size}`;
    }
  }
  await finisher.stop();
  await renderer.stop();
  return result;
}

const stepProcesses = () => processTree(process.pid).filter((pid) => commandOf(pid).includes('finishing/child'));
const memoryOfSteps = () => Math.round(stepProcesses().reduce((sum, pid) => sum + privateBytes(pid), 0) / MEGABYTE);

/** Milliseconds of CPU that the processes of steps have used. */
function cpuOfSteps(): number {
  return stepProcesses().reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}
