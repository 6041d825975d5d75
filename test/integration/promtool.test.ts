/** @module-tag long */

import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../support/deployment-files.ts';
import { temporaryDirectory } from '../support/files.ts';
import { program } from '../support/prometheus.ts';

const run = promisify(execFile);
const promtool = async (...arguments_: string[]) => (await run(program('promtool'), arguments_)).stdout;

it('Prometheus takes the rules', async () => {
  expect(await promtool('check', 'rules', join(ROOT, 'grafana/prometheus-rules.yml'))).toContain('SUCCESS');
});

it('the rules fire in each case that is written down, and nothing besides', async () => {
  expect(await promtool('test', 'rules', join(ROOT, 'grafana/prometheus-rules.test.yml'))).toContain('SUCCESS');
}, 240_000);

it('Prometheus takes the configuration of docker-compose.yml, with the rules where they are mounted', async () => {
  const directory = await temporaryDirectory('promtool');
  await mkdir(join(directory, 'rules'));
  await cp(join(ROOT, 'deploy/prometheus/prometheus.yml'), join(directory, 'prometheus.yml'));
  await cp(join(ROOT, 'grafana/prometheus-rules.yml'), join(directory, 'rules', 'pdfprompt.yml'));
  const said = await promtool('check', 'config', join(directory, 'prometheus.yml'));
  expect(said).toMatch(/1 rule files found[\s\S]*is valid prometheus config/);
});
