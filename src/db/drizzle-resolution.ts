import { registerHooks, type ResolveFnOutput } from 'node:module';

let isRegistered = false;

/**
 * Makes loading drizzle cheap. Its package.json lists some 800 paths (180 KB). Node copies and parses it anew for
 * each of the hundred modules that a process loads: a second of CPU and 120 MB of memory at every start. This hook
 * resolves relative paths itself and caches the result for names of the package.
 *
 * Call it before any import of drizzle. test/unit/drizzle-resolution.test.ts shows whether it is still needed.
 */
export function resolveDrizzleQuickly(): void {
  if (isRegistered) return;
  isRegistered = true;
  const found = new Map<string, ResolveFnOutput>();
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL = '' } = context;
      if (/^\.\.?\/.*\.js$/.test(specifier) && parentURL.includes('/node_modules/drizzle-orm/'))
        return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
      if (!/^drizzle-orm(\/|$)/.test(specifier)) return nextResolve(specifier, context);
      const known = found.get(specifier) ?? { ...nextResolve(specifier, context), shortCircuit: true };
      found.set(specifier, known);
      return known;
    },
  });
}
