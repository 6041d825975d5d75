import { execFile, spawn } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { type Compose, readDockerfile, readYaml, ROOT } from '../support/deployment-files.ts';
import { freePort } from '../support/free-port.ts';
import { openOtlpReceiver } from '../support/otlp-receiver.ts';

// `npm run check:image`, as root, on Debian: builds the Dockerfile, runs the image as docker-compose.yml
// does, against a Postgres beside it, makes a PDF and waits for its traces. It takes about six minutes, most of them downloads.
//   apt-get install --no-install-recommends podman buildah runc mmdebstrap
// The base image is the official one if podman has it (podman pull), else a stand-in: the same Debian
// with the Node of node_modules.

const run = promisify(execFile);
const IMAGE = 'localhost/pdfprompt:check';
const PODMAN = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
const say = (text: string) => process.stdout.write(`${text}\n`);

const podman = async (...arguments_: string[]) =>
  run('podman', [...PODMAN, ...arguments_], { cwd: ROOT, maxBuffer: 100_000_000 });

async function standIn(name: string, directory: string): Promise<void> {
  say(`No ${name} here: putting a stand-in together`);
  const [, suite = ''] = /-(\w+)-slim$/.exec(name) ?? [];
  const root = join(directory, 'root');
  await run('mmdebstrap', ['--variant=minbase', suite, root], { maxBuffer: 100_000_000 }); // with updates and security
  const npm = join(await realpath(process.env.npm_execpath ?? ''), '..', '..'); // of the `npm run` that this is
  const target = join(root, 'usr/local/lib/node_modules');
  await mkdir(target, { recursive: true });
  await cp(npm, join(target, 'npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  await copyFile(process.execPath, join(root, 'usr/local/bin/node'));
  const changes = ['--change', 'CMD ["node"]'];
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  if (authorities !== undefined) {
    await copyFile(authorities, join(root, 'usr/local/share/authorities.pem'));
    changes.push('--change', 'ENV NODE_EXTRA_CA_CERTS=/usr/local/share/authorities.pem');
  }
  await run('tar', ['-C', root, '-cf', join(directory, 'base.tar'), '.']);
  await podman('import', ...changes, join(directory, 'base.tar'), name);
  await rm(root, { recursive: true });
}

const [compose] = readYaml('docker-compose.yml') as [Compose & { services: Record<string, { tmpfs: string[] }> }];

/** What docker-compose.yml holds a service back with, as arguments of `podman run`. */
function confinement(name: string): string[] {
  const { read_only, cap_drop, security_opt, tmpfs, shm_size } = compose.services[name] as {
    read_only: boolean;
    cap_drop: string[];
    security_opt: string[];
    tmpfs: string[];
    shm_size?: string;
  };
  return [
    ...(read_only ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...cap_drop.map((each) => `--cap-drop=${each}`),
    ...security_opt.flatMap((each) => [
      '--security-opt',
      each === 'no-new-privileges:true' ? 'no-new-privileges' : each,
    ]),
    ...tmpfs.map((each) => `--tmpfs=${each.replace('mode=', 'noexec,nosuid,nodev,mode=')}`),
    ...(shm_size === undefined ? [] : [`--shm-size=${shm_size.replace('mb', 'm')}`]),
  ];
}

async function waitFor(url: string, ended: () => boolean): Promise<void> {
  for (const until = Date.now() + 120_000; ; await sleep(200)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if (ended() || Date.now() > until) throw new Error(`${url} does not answer`);
  }
}

async function check(directory: string, databaseUrl: string): Promise<void> {
  await writeFile(join(directory, 'database_url'), databaseUrl);
  const ports = { PORT: await freePort(), serve: await freePort(), work: await freePort() };
  const options = (service: string, env: Record<string, string | number>) => [
    'run',
    '--rm',
    '--network=host', // the database is on the loopback
    '--ulimit=nofile=10000:10000',
    '--ulimit=nproc=4096:4096',
    ...confinement(service),
    `--volume=${join(directory, 'database_url')}:/run/secrets/database_url:ro`,
    ...Object.entries({ ...compose.services[service]?.environment, HOST: '127.0.0.1', ...env })
      .filter(([name]) => name !== 'DATABASE_READ_REPLICA_URL_FILE')
      .map(([name, value]) => `--env=${name}=${value}`),
  ];
  const once = async (service: string, ...command: string[]) => {
    const { stdout } = await podman(...options(service, {}), IMAGE, ...command);
    say(`$ pdfprompt ${command.join(' ')}\n${stdout.trim()}`);
    return stdout;
  };
  await once('api', '--version');
  await once('migrate', 'migrate');
  await once('work', 'doctor');
  const key = JSON.parse(
    (
      await podman(
        ...options('api', {}),
        IMAGE,
        'keys',
        'create',
        '--user',
        'image@example.com',
        '--tier',
        'system',
        '--json',
      )
    ).stdout,
  ) as { key: string };

  const collector = await openOtlpReceiver();
  const start = (service: string, command: 'serve' | 'work', env: Record<string, number>) => {
    const name = `pdfprompt-check-${command}-${process.pid}`;
    const child = spawn(
      'podman',
      [
        ...PODMAN,
        ...options(service, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env }),
        `--name=${name}`,
        IMAGE,
        command,
      ],
      {
        cwd: ROOT,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const exited = new Promise<number | null>((done) => child.once('exit', done));
    return { name, child, exited, ended: () => child.exitCode !== null };
  };
  const serve = start('api', 'serve', { PORT: ports.PORT, OPS_PORT: ports.serve });
  const work = start('work', 'work', { OPS_PORT: ports.work });
  try {
    await waitFor(`http://127.0.0.1:${ports.serve}/readyz`, serve.ended);
    await waitFor(`http://127.0.0.1:${ports.work}/readyz`, work.ended);
    const response = await fetch(`http://127.0.0.1:${ports.PORT}/v1/pdf`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json', prefer: 'wait=60' },
      body: JSON.stringify({ html: '<h1>Hello, 你好, مرحبا 🙂</h1>' }),
    });
    const pdf = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200 || !pdf.subarray(0, 5).equals(Buffer.from('%PDF-')))
      throw new Error(`POST /v1/pdf: ${response.status} ${pdf.subarray(0, 500).toString()}`);
    say(`POST /v1/pdf: ${response.status}, a PDF of ${pdf.length} bytes`);
    for (const { name } of [serve, work]) {
      await podman('healthcheck', 'run', name);
      say(`${name}: healthy`);
    }
  } finally {
    for (const { name, exited } of [serve, work]) {
      await podman('stop', '--time=40', name).catch(() => undefined);
      const code = await exited;
      say(`${name}: ended with ${code}`);
      if (code !== 0) process.exitCode = 1;
    }
    const from = new Set(collector.spans.map(({ resource }) => resource['service.name']));
    say(`Traces: ${collector.spans.length} spans of ${[...from].join(' and ')}`);
    if (from.size < 2) process.exitCode = 1;
  }
}

const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-image-'));
await chmod(directory, 0o755);
const postgres = new EmbeddedPostgres({ dataDir: join(directory, 'data') });
try {
  const base = `docker.io/library/${readDockerfile('Dockerfile')[0]?.rest.split(' ')[0]}`;
  const isThere = await podman('image', 'exists', base).then(
    () => true,
    () => false,
  );
  if (!isThere) await standIn(base, directory);
  const startedAt = Date.now();
  await podman('build', '--format=docker', '--network=host', '--isolation=chroot', `--tag=${IMAGE}`, '.');
  const { stdout: size } = await podman('image', 'inspect', '--format={{.Size}}', IMAGE);
  say(
    `Built in ${Math.round((Date.now() - startedAt) / 1000)} s: ${Math.round(Number(size) / 1e6)} MB, the base included`,
  );
  await postgres.start();
  await check(directory, postgres.url);
} finally {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}
