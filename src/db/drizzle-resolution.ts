import { registerHooks, type ResolveFnOutput } from 'node:module';

let isRegistered = false;

/**
 * Drizzle's package.json lists some 800 paths (180 KB). Node copies and parses it anew for each of the
 * hundred modules of drizzle that a process loads, which takes a second of CPU and 120 MB of memory at
 * every start. What Node would find is plain: a relative path is beside the module that names it, and a
 * name of the package is the same for whoever names it.
 *
 * To be called before anything loads drizzle. test/unit/drizzle-resolution.test.ts says whether it is still needed.
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
