import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const RULES = new URL('../../grafana/prometheus-rules.yml', import.meta.url);

/** The alert and recording rules, as they are in the repository. */
export const readRules = () => readFile(RULES, 'utf8');

export interface Sample {
  metric: Record<string, string>;
  /** when, and what */
  value: [number, string];
}

export interface Rule {
  type: 'alerting' | 'recording';
  name: string;
  query: string;
  health: string;
  lastError?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

interface PrometheusOptions {
  /** `host:port` of each process */
  targets: string[];
  /** YAML */
  rules: string;
}

/** A real Prometheus that asks every second. To be closed by who opens it. */
export class Prometheus {
  readonly #address: string;
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(address: string, directory: string, child: ChildProcess) {
    this.#address = address;
    this.#directory = directory;
    this.#child = child;
    this.#ended = new Promise((done) => child.once('exit', done));
  }

  static async open({ targets, rules }: PrometheusOptions): Promise<Prometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-test-prometheus-'));
    const config = join(directory, 'prometheus.yml');
    await writeFile(join(directory, 'rules.yml'), rules);
    await writeFile(
      config,
      `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [rules.yml]
scrape_configs:
  - job_name: pdfprompt
    static_configs: [{ targets: ${JSON.stringify(targets)} }]
`,
    );
    const port = await freePort();
    const child = spawn(
      program('prometheus'),
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, directory, child);
    for (const until = performance.now() + 60_000; !(await prometheus.#isReady()); await sleep(50)) {
      if (child.exitCode === null && performance.now() < until) continue;
      await prometheus.close();
      throw new Error(`Prometheus does not answer:\n${said}`);
    }
    return prometheus;
  }

  /** @throws what Prometheus says of the expression if it cannot be read */
  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.#ask<{ result: Sample[] }>('/api/v1/query', { query: expression });
    return result;
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#ask<{ groups: { rules: Rule[] }[] }>('/api/v1/rules', {});
    return groups.flatMap((group) => group.rules);
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async #isReady(): Promise<boolean> {
    return fetch(`${this.#address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async #ask<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.#address}${path}?${new URLSearchParams(parameters).toString()}`);
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${parameters.query ?? path}: ${answer.error}`);
    return answer.data;
  }
}

/** Of Debian's package: `prometheus` or `promtool`. */
export function program(name: string): string {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  const found = directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed. Type: apt-get install -y prometheus`);
  return found;
}
