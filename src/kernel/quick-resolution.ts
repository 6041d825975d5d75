import { registerHooks, type ResolveFnOutput } from 'node:module';

/** Their files with the ending .js are all ES modules, and import each other by their whole names. */
const PACKAGES =
  /\/node_modules\/(?:drizzle-orm|zod|puppeteer-core|pg-boss|hono|uuid|@puppeteer\/browsers)\/(?!.*\/node_modules\/)/;
/** What zod says in sixty languages. We have our own words, and need only what makes it load. */
const LANGUAGES = /(\/node_modules\/zod\/v4\/locales\/)index\.js$/;
const OWN = new URL('../', import.meta.url).href;
/** A checkout runs its TypeScript. */
const OWN_FORMAT = import.meta.url.endsWith('.ts') ? 'module-typescript' : 'module';

/**
 * Makes loading our modules cheap. For each import Node asks the file system where the file is, and which package.json
 * belongs to it. A relative import of ours, and of the largest packages, is the file that it says, so this hook asks
 * nobody. What a package's name means is asked once. test/unit/quick-resolution.test.ts compares what is loaded.
 */
export function resolveQuickly(): void {
  const found = new Map<string, ResolveFnOutput>();
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL = '', conditions } = context;
      if (specifier.startsWith('node:')) return { url: specifier, format: 'builtin', shortCircuit: true };
      if (!conditions.includes('import')) return nextResolve(specifier, context);
      const isOwn = parentURL.startsWith(OWN);
      if (/^\.\.?\/.*\.[jt]s$/.test(specifier) && (isOwn || PACKAGES.test(parentURL)))
        return {
          url: new URL(specifier, parentURL).href.replace(LANGUAGES, '$1en.js'),
          format: isOwn ? OWN_FORMAT : 'module',
          shortCircuit: true,
        };
      if (/^\.\.?\/.*\.mjs$/.test(specifier) && parentURL.includes('/node_modules/'))
        return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
      if (!isOwn || /^[./]/.test(specifier)) return nextResolve(specifier, context);
      const known = found.get(specifier) ?? { ...nextResolve(specifier, context), shortCircuit: true };
      found.set(specifier, known);
      return known;
    },
  });
}
