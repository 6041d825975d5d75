import { createFinisher, finish } from './finisher.ts';

// A process with processes of steps: one that is idle, and one that is in an endless loop. Then it is killed.

const finisher = createFinisher();
await finisher.start();
await Promise.all([
  finish(finisher, { first: { does: 'mark' } }, undefined, { tenant: 'idle' }),
  finish(finisher, { first: { does: 'mark' } }, undefined, { tenant: 'busy' }),
]);
void finish(finisher, { first: { does: 'loop' } }, undefined, { tenant: 'busy' });
process.stdout.write('ready\n');
