import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { POSTGRES_VERSION } from '../../src/db/driver-patches.ts';
import { PINNED } from '../support/pinned.ts';

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const { dependencies } = read('package.json') as Manifest;
const { packages } = read('package-lock.json') as { packages: Record<string, Manifest> };

describe('a package on whose insides we lean', () => {
  it.each(PINNED)('%s is one version, everywhere the same', (name) => {
    const version = dependencies[name];
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect({
      asked: packages['']?.dependencies[name],
      locked: packages[`node_modules/${name}`]?.version,
      installed: (read(`node_modules/${name}/package.json`) as Manifest).version,
    }).toEqual({ asked: version, locked: version, installed: version });
  });

  it('of postgres, which is there once, it is the version that the patches are for', () => {
    expect(dependencies.postgres).toBe(POSTGRES_VERSION);
    expect(Object.keys(packages).filter((path) => path.endsWith('node_modules/postgres'))).toHaveLength(1);
  });
});
