import { Composer } from '../../src/templating/composer.ts';

// A process whose composer is in an endless loop. It is killed by the test.

const composer = new Composer({ timeoutMs: 60_000, memoryBytes: 256 * 1024 ** 2, size: 1 });
await composer.start();
await composer.compose(
  {
    kind: 'template',
    name: 't@1',
    texts: { 'index.html': '', 'schema.json': '{"properties":{"a":{"pattern":"^(a|a)*$"}}}' },
    data: { a: `${'a'.repeat(100)}!` },
    locale: 'en',
    timezone: 'UTC',
  },
  { timeoutMs: 60_000 },
);
