import { Command } from 'commander';
import type { LimitOverrides } from '../../domain/limit-overrides.ts';
import { accountVerb } from '../account-verb.ts';
import { figure, printJson, printRows, warn } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { toNumber } from '../to-number.ts';

interface Options extends Record<string, unknown> {
  minute?: string;
  day?: string;
  priority?: string;
  retention?: string;
  reset?: boolean;
  json?: boolean;
}

/** `pdfprompt users limits` */
export function userLimitsCommand(): Command {
  return new Command('limits')
    .description('Limits of one user over those of their tier; without an option they are shown')
    .argument('<email>', 'whose')
    .option('--minute <N>', 'requests in any 60 seconds, or none: no limit')
    .option('--day <N>', 'requests in a UTC day, or none: no limit')
    .option('--priority <0-3>', '0 low, 1 medium, 2 high, 3 critical')
    .option('--retention <SECONDS>', 'that files are kept, or none: as PDF_RETENTION says')
    .option('--reset', 'first, everything as the tier says')
    .option('--json', 'one JSON document on stdout')
    .action(async (email: string, options: Options) => {
      const { readLimitsInForce, setLimits } = await import('../../accounts/user-limits.ts');
      const { getUser } = await import('../../accounts/users.ts');
      const changed = changesOf(options);
      const isChange = options.reset !== true;
      const run = async (db: Parameters<typeof setLimits>[0]) => {
        const user = await getUser(db, { email });
        if (!isChange || Object.keys(changed).length > 0)
          await setLimits(db, { userId: user.id, limits: changed, isChange });
        return { user: await getUser(db, { id: user.id }), inForce: await readLimitsInForce(db, { id: user.id }) };
      };
      const { user, inForce } = await accountVerb(options, 'pdfprompt keys list', run, { email: 'EMAIL' });
      if (options.json) return printJson({ ...user, inForce: inForce ?? null });
      if (!inForce) return warn(`${user.email} is on no tier.`);
      const row = (name: keyof LimitOverrides, label: string, value: number | string | null) => [
        label,
        value === null ? 'none' : typeof value === 'number' ? figure(value) : value,
        name in user.limits ? 'their own' : `as on ${user.tier}`,
      ];
      printRows([
        row('requestsPerMinute', 'minute', inForce.requestsPerMinute),
        row('requestsPerDay', 'day', inForce.requestsPerDay),
        row('priority', 'priority', inForce.priority),
        row('retention', 'retention', inForce.retention ?? 'PDF_RETENTION'),
      ]);
    });
}

function changesOf({ minute, day, priority, retention }: Options): LimitOverrides {
  return {
    ...(minute !== undefined && { requestsPerMinute: toLimit(minute) }),
    ...(day !== undefined && { requestsPerDay: toLimit(day) }),
    ...(priority !== undefined && { priority: toNumber(priority) }),
    ...(retention !== undefined && { retention: toLimit(retention) }),
  };
}
