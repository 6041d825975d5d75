import { readdirSync, readFileSync } from 'node:fs';
import { onlyPart, parsePdfRequest, type PdfRequest } from '../../src/domain/pdf-request.ts';
import { descendants } from '../support/processes.ts';
import type { Result, Stage } from './stage.ts';
import { Usage } from './usage.ts';

const RENDERS = 5_000;
const MARK = 500;
const SLOTS = 3;
const TENANTS = 20;

const row = '<tr><td>Widget</td><td>3</td><td>9.99</td></tr>';
const DOCUMENTS: object[] = [
  { html: '<h1>tiny</h1>' },
  { html: `<table border>${row.repeat(200)}</table>` },
  { html: readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8') },
  {
    html: '<p id=x></p><script>document.getElementById("x").textContent = Array(5000).fill("script").join(" ")</script>',
  },
  { html: '<h1>A4</h1>', options: { format: 'A4', landscape: true, tagged: true, outline: true } },
  { html: '<svg width=400 height=400><circle r=150 cx=200 cy=200 fill=teal /></svg>', emulateMediaType: 'screen' },
  { html: '<p>narrow</p>', viewport: { width: 400, height: 400 } },
];

/** Thousands of documents of all kinds in one renderer: what it takes after {@link MARK} and at the end. */
export async function soak(stage: Stage): Promise<Result> {
  const renderer = await stage.renderer();
  const requests = DOCUMENTS.map((body): PdfRequest => {
    const parsed = parsePdfRequest(body);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
    return parsed.request;
  });

  const usage = new Usage([process.pid]);
  let next = 0;
  let failures = 0;
  const until = async (end: number) => {
    const slot = async () => {
      while (next < end) {
        const number = next++;
        const request = requests[number % requests.length] as PdfRequest;
        const outcome = await renderer.render(onlyPart(request), { tenant: String(Math.floor(number / 7) % TENANTS) });
        if (outcome.kind !== 'done') failures++;
      }
    };
    await Promise.all(Array.from({ length: SLOTS }, slot));
    global.gc?.();
    const megabytes = Math.round(usage.pssBytes() / 1024 / 1024);
    const files = readdirSync('/proc/self/fd').length;
    return { megabytes, files, processes: descendants(process.pid).length };
  };
  const startedAt = performance.now();
  const marked = await until(MARK);
  const middle = await until(RENDERS / 2);
  const end = await until(RENDERS);
  const seconds = (performance.now() - startedAt) / 1000;
  await renderer.stop();
  const show = ({ megabytes, files, processes }: typeof end) =>
    `PSS ${megabytes} MB, ${files} file descriptors, ${processes} processes`;
  return {
    [`after ${MARK}`]: show(marked),
    [`after ${RENDERS / 2}`]: show(middle),
    [`after ${RENDERS}`]: show(end),
    'PSS at the end / after the mark': Math.round((end.megabytes / marked.megabytes) * 100) / 100,
    failures,
    'documents/s': Math.round((RENDERS / seconds) * 10) / 10,
  };
}
