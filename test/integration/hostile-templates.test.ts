/** @module-tag long */

import { expect, it } from 'vitest';
import { CodedError } from '../../src/kernel/errors.ts';
import { privateBytes, processTree } from '../../src/memory/processes.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { Composer } from '../../src/templating/composer.ts';
import { hostileTemplates } from '../support/hostile-templates.ts';

const TIMEOUT_MS = 1_000;
const MEMORY_BYTES = 256 * MEGABYTE;
/** Of a slow machine: a process is started anew for those that have ended theirs. */
const PATIENCE_MS = 30_000;

it(
  'fail by their name, one after the other, and a good one beside each of them does not',
  { timeout: 600_000 },
  async () => {
    const composer = new Composer({ timeoutMs: TIMEOUT_MS, memoryBytes: MEMORY_BYTES, size: 2 });
    await composer.start();
    const compose = (texts: Record<string, string>, data: object, key?: string) =>
      composer.compose(
        { kind: 'template', name: 'hostile@1', texts, data, key, locale: 'en', timezone: 'UTC' },
        { timeoutMs: PATIENCE_MS },
      );
    const children = () => processTree(process.pid).filter((pid) => pid !== process.pid);
    let largest = 0;
    const sampler = setInterval(() => {
      for (const pid of children()) largest = Math.max(largest, privateBytes(pid));
    }, 20);
    const templates = hostileTemplates();
    expect(templates.length).toBeGreaterThanOrEqual(200);
    globalThis.gc?.();
    const ownBytes = privateBytes(process.pid);

    const wrong: string[] = [];
    let good = 0;
    for (const { what, texts, data = {}, code = 'template_failed' } of templates) {
      const startedAt = performance.now();
      const failed = compose(texts, data).then(
        (html) => `made ${html.slice(0, 100)}`,
        (error: unknown) => error,
      );
      const texts2 = { 'index.html': '{{ n | money: "EUR" }} {% for x in l %}{{ x }}{% endfor %}' };
      const fine = await compose(texts2, { n: good, l: ['<', '>'] }, 'good');
      expect(fine).toBe(`€${good}.00 &lt;&gt;`);
      good++;
      const error = await failed;
      const ms = performance.now() - startedAt;
      if (!(error instanceof CodedError) || error.code !== code) wrong.push(`${what}: ${String(error)}`);
      else if (error.message.length > 500) wrong.push(`${what}: says too much`);
      if (ms > PATIENCE_MS) wrong.push(`${what}: ${ms} ms`);
    }
    expect(wrong).toEqual([]);
    clearInterval(sampler);

    // What is used up beyond the limit is what is taken between two looks at it.
    expect(largest).toBeLessThan(2 * MEMORY_BYTES);
    const left = children().filter((pid) => privateBytes(pid) > 0);
    expect(left.length).toBeLessThanOrEqual(3);
    for (const pid of left) expect(privateBytes(pid)).toBeLessThan(0.7 * MEMORY_BYTES);
    expect(privateBytes(process.pid) - ownBytes).toBeLessThan(400 * MEGABYTE);
    await composer.stop();
    expect(children()).toEqual([]);
  },
);
