import { FAULTS } from './faults.ts';
import { runAlarms } from './run.ts';

// `npm run alarms`, or `npm run alarms -- 'documents fail' …`: ends with 1 if an alarm was missing or too many.

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in FAULTS));
if (unknown.length > 0) {
  process.stderr.write(`not known: ${unknown.join(', ')}; allowed:\n  ${Object.keys(FAULTS).join('\n  ')}\n`);
  process.exit(2);
}
const names = asked.length > 0 ? asked : Object.keys(FAULTS);
for await (const { fault, expected, fired, seconds, ok } of runAlarms(names)) {
  const besides = fired.filter((alert) => !expected.includes(alert));
  const missing = expected.filter((alert) => !fired.includes(alert));
  process.stdout.write(
    `${ok ? 'ok  ' : 'FAIL'} ${fault} (${seconds} s): ${fired.length === 0 ? 'nothing fired' : fired.join(' ')}` +
      `${missing.length > 0 ? `; missing: ${missing.join(' ')}` : ''}${besides.length > 0 ? `; besides: ${besides.join(' ')}` : ''}\n`,
  );
  if (!ok) process.exitCode = 1;
}
