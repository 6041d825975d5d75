import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onlyPart, parsePdfRequest, type PdfRequest } from '../../src/domain/pdf-request.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import type { BenchOptions } from './options.ts';
import type { Result, Stage } from './stage.ts';

const ROUNDS = 5;
const SECONDS = 3;
const SLOTS = 2;
const IMAGES = 10;
const FIXTURE = new URL('../fixtures/invoice.html', import.meta.url).pathname;
/** 1 × 1 pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/**
 * The same renderer with its browsers in a network namespace, behind the proxy alone, and with nothing to hold
 * them, in turns. With files: those documents; and one with images from a site on this machine.
 */
export async function jail(stage: Stage, { files }: BenchOptions): Promise<Result> {
  const site = createServer((_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end(PNG));
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
  const authority = `127.0.0.1:${(site.address() as AddressInfo).port}`;
  const images = Array.from({ length: IMAGES }, (_, index) => `<img src="http://${authority}/${index}.png">`).join('');
  const documents: [string, string][] = [
    ...(files.length > 0 ? files : [FIXTURE]).map((file): [string, string] => [
      file.replace(/^.*\//, ''),
      readFileSync(file, 'utf8'),
    ]),
    [`with ${IMAGES} images of a site`, `<h1>images</h1>${images}`],
  ];

  const binary = await stage.chromium();
  const env = { EGRESS_ALLOW: authority };
  const kinds: [string, Renderer][] = [
    ['none', await stage.renderer(env, { launch: () => launchChromium(binary) })],
    ['proxy', await stage.renderer({ ...env, RENDER_JAIL: 'proxy' })],
    ['namespace', await stage.renderer({ ...env, RENDER_JAIL: 'namespace' })],
  ];
  const result: Result = {};
  for (const [document, html] of documents) {
    const parsed = parsePdfRequest({ html });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
    for (const [who, tenant] of [
      ['one tenant', () => 'bench'],
      ['every job a new tenant', randomUUID],
    ] as const) {
      const counts = new Map<string, number>();
      for (let round = 0; round < ROUNDS; round++) {
        for (const [kind, renderer] of kinds) {
          const count = await renderFor(renderer, parsed.request, tenant);
          if (round > 0) counts.set(kind, (counts.get(kind) ?? 0) + count); // the first round warms up
        }
      }
      const rate = (kind: string) => (counts.get(kind) ?? 0) / (SECONDS * (ROUNDS - 1));
      for (const [kind] of kinds)
        result[`${document}, ${who}: ${kind}`] =
          `${rate(kind).toFixed(1).padStart(6)}/s  ratio ${(rate(kind) / rate('none')).toFixed(2)}`;
    }
  }
  for (const [, renderer] of kinds) await renderer.stop();
  site.closeAllConnections();
  site.close();
  return result;
}

/** @returns how many were rendered in {@link SECONDS} */
async function renderFor(renderer: Renderer, request: PdfRequest, tenant: () => string): Promise<number> {
  let count = 0;
  const until = performance.now() + SECONDS * 1_000;
  const slot = async () => {
    while (performance.now() < until) {
      const outcome = await renderer.render(onlyPart(request), { tenant: tenant() });
      if (outcome.kind !== 'done' || outcome.pdf.failedResources.length > 0) throw new Error(JSON.stringify(outcome));
      count++;
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, slot));
  return count;
}
