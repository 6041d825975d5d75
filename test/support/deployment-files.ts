import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export const readText = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Every document of a YAML file, read as Compose and kubectl do: version 1.1, with merge keys. */
export function readYaml(path: string): unknown[] {
  return parseAllDocuments(readText(path), { version: '1.1', merge: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors.join('\n')}`);
    return document.toJS() as unknown;
  });
}

interface Instruction {
  keyword: string;
  rest: string;
}

/** A Dockerfile's lines, the continued ones put together. */
export function readDockerfile(path: string): Instruction[] {
  return readText(path)
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [keyword = '', ...rest] = line.trim().split(' ');
      return { keyword, rest: rest.join(' ') };
    });
}

/** What the image sets for whatever runs in it. */
export function imageEnvironment(instructions: Instruction[]): Record<string, string> {
  const text = instructions.filter(({ keyword }) => keyword === 'ENV').map(({ rest }) => rest);
  return Object.fromEntries(
    [...text.join(' ').matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, name, value]) => [name, value]),
  );
}

interface ComposeService {
  image: string;
  build?: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  networks?: string[];
  volumes?: string[];
  ports?: string[];
  security_opt?: string[];
  cap_drop?: string[];
  read_only?: boolean;
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }> | string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  deploy: { replicas?: number; resources: { limits: { memory: string } } };
}

export interface Compose {
  services: Record<string, ComposeService>;
  networks: Record<string, unknown>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value: string }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  volumeMounts: { name: string; mountPath: string }[];
  securityContext: Record<string, unknown>;
  resources: { limits: { memory: string } };
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
}

interface Probe {
  httpGet: { path: string; port: string };
}

interface PodSpec {
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext: Record<string, unknown>;
  initContainers?: Container[];
  containers: Container[];
  volumes: { name: string; secret?: { secretName: string } }[];
}

/** A Kubernetes object: what the tests look at of it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec: {
    replicas?: number;
    selector: { matchLabels?: Record<string, string> } & Record<string, string>;
    strategy?: { rollingUpdate: { maxSurge: number } };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
    scaleTargetRef?: { name: string };
    maxReplicaCount?: number;
  };
}

/** Every object of a directory, and the file it is in. */
export function readManifests(directory: string): { file: string; manifest: Manifest }[] {
  return readdirSync(join(ROOT, directory))
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .sort()
    .flatMap((name) =>
      readYaml(`${directory}/${name}`).map((manifest) => ({ file: name, manifest: manifest as Manifest })),
    );
}
