import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '../../src/render/chromium.ts';
import type { BenchOptions } from './options.ts';
import { comparePrinters } from './peer-comparison.ts';
import { comparisonPlot } from './peer-plot.ts';
import { checkAnswer, HttpPrinter, type Printer, probeAll, PROTOCOLS } from './peer-printer.ts';
import { comparisonMarkdown, comparisonText } from './peer-report.ts';
import { CLIENTS, documents, warmPages, withAndWithoutScript } from './render.ts';
import { Report, type Stage } from './stage.ts';

const SECONDS = 5;
/** Users made at a time, for documents whose tenant is always new: more than are used by default. */
const NEW_TENANTS = 4_000;
const PEERS = ['gotenberg', 'jsreport', 'browserless'] as const;

/**
 * The raw Chromium loop, our service and others that run already, in turns with the same documents: how many a second,
 * and how long each takes at a share of that. With files: those documents. Nothing is installed or started but our own.
 * @throws OperatorError before anything is measured if one of the others prints nothing
 */
export async function peers(stage: Stage, options: BenchOptions): Promise<Report> {
  const others = PEERS.flatMap((flag) =>
    (options[flag] ?? []).map((address) => {
      const name = `${flag} ${address.host}${address.pathname.replace(/\/$/, '')}`;
      return { flag, printer: new HttpPrinter(address, { name, protocol: PROTOCOLS[flag] }) };
    }),
  );
  await probeAll(others);
  const binary = await stage.chromium();
  const { address } = await stage.serve();
  await stage.start(['work'], /pdfprompt works/);
  const { key } = await stage.user('bench@example.com');
  const keys: string[] = [];
  const newKey = async () => {
    if (keys.length === 0) keys.push(...(await stage.users(NEW_TENANTS, 'unlimited')));
    return keys.pop() ?? '';
  };
  const service = (name: string, someKey: () => string | Promise<string>) =>
    new HttpPrinter(new URL(address), {
      name: `pdfprompt, ${name}`,
      protocol: PROTOCOLS.pdfprompt,
      headers: async () => ({ authorization: `Bearer ${await someKey()}` }),
    });
  const chromium = await launchChromium(binary);
  const print = await warmPages(chromium.browser);
  const raw: Printer = { name: 'raw Chromium', print: async (html) => checkAnswer(200, await print(html)) };
  const own = [service('one tenant', () => key), service('always a new tenant', newKey)];
  const given =
    options.files.length > 0
      ? documents(options.files)
      : [...withAndWithoutScript('tiny', '<h1>Hello</h1>'), ...documents([])];

  const comparison = await comparePrinters([raw, ...own, ...others.map(({ printer }) => printer)], {
    documents: given,
    clients: CLIENTS,
    seconds: options.seconds ?? SECONDS,
    onProgress: (what) => process.stderr.write(`${what}\n`),
  });
  await chromium.close();
  for (const printer of [...own, ...others.map((other) => other.printer)]) printer.close();
  if (options.out !== undefined) {
    await mkdir(options.out, { recursive: true });
    await writeFile(join(options.out, 'peers.md'), comparisonMarkdown(comparison, 'peers.svg'));
    await writeFile(join(options.out, 'peers.svg'), await comparisonPlot(comparison));
  }
  return new Report(comparisonText(comparison), { ...comparison });
}
