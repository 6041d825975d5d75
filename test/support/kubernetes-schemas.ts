import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Manifest, ROOT } from './deployment-files.ts';

const run = promisify(execFile);

/** Where the model of an API is: the operators' in packages of their own. */
function moduleOf(apiVersion: string): string {
  const [group = ''] = apiVersion.split('/');
  const own: Record<string, string> = {
    'keda.sh': '@kubernetes-models/keda',
    'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  };
  return `${own[group] ?? 'kubernetes-models'}/${apiVersion}`;
}

interface Model {
  validate(): void;
}

/** @returns what Kubernetes' own schema finds wrong with an object: what is missing, of the wrong type or format */
export async function schemaFaults(manifest: Manifest): Promise<string[]> {
  const module = (await import(`${moduleOf(manifest.apiVersion)}/${manifest.kind}`)) as Record<
    string,
    new (data: Manifest) => Model
  >;
  const Kind = module[manifest.kind];
  if (!Kind) return [`there is no ${manifest.kind} in ${manifest.apiVersion}`];
  try {
    new Kind(manifest).validate();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

/**
 * Kubernetes' schemas let fields through that they do not know, so the objects are given to the
 * TypeScript compiler as literals of their types too, which knows no such mercy.
 * @returns what it says, a line for each fault; all names are `objectN` in the order given
 */
export async function typeFaults(manifests: Manifest[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-manifests-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    const lines = manifests.map(
      (manifest, index) =>
        `import type { I${manifest.kind} as T${index} } from '${moduleOf(manifest.apiVersion)}/${manifest.kind}';\n` +
        `export const object${index}: T${index} = ${JSON.stringify(manifest, undefined, 2)};`,
    );
    await writeFile(join(directory, 'manifests.ts'), `${lines.join('\n')}\n`);
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { module: 'nodenext', strict: true, noEmit: true, skipLibCheck: true, types: [] },
        files: ['manifests.ts'],
      }),
    );
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = await run(process.execPath, [compiler, '--pretty', 'false', '-p', directory], {
      cwd: directory,
    }).catch((error: unknown) => error as { stdout: string });
    return stdout.split('\n').filter((line) => line.trim() !== '');
  } finally {
    await rm(directory, { recursive: true });
  }
}
