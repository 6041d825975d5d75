import type { Hono } from 'hono';
import { checkInput } from '../../domain/check-input.ts';
import { z } from 'zod';
import { pauseReasonSchema, userOfTarget } from '../../domain/pause-target.ts';
import { settlePauses } from '../../jobs/paused-jobs.ts';
import { endPause, startPause } from '../../jobs/pauses.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import type { AppDeps, AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import { findUser } from './find-user.ts';
import { signerOf } from './session.ts';

/** Milliseconds for the figures to be right on the next page; the workers do the rest. */
const SETTLE_MS = 1_000;

interface Deps {
  deps: Pick<AppDeps, 'adminDb' | 'queue' | 'events'>;
  acted: Acted;
}

/** Adds the forms that pause and resume; their page is that of the actions. After `signedIn`. */
export function addPauses(app: Hono<AppEnv>, { deps, acted }: Deps): void {
  const { adminDb, queue, events } = deps;
  app.post('/pauses', async (c) => {
    const form = await readForm(c);
    const { reason } = checkInput(z.object({ reason: pauseReasonSchema }), { reason: form.get('reason') ?? '' });
    const whose = form.get('whose') ?? '';
    if (whose !== 'user' && (form.get('user') ?? '').trim() !== '')
      throw new CodedError(
        'invalid_request',
        'a user is named, but not only their jobs were chosen; allowed: one of both',
      );
    const target = whose === 'user' ? `user:${await userOf(form.get('user') ?? '')}` : whose;
    const { pause, isNew } = await startPause(adminDb, { target, reason });
    events.bulk.pauseStarted({ by: signerOf(c), requestId: c.var.requestId, target: pause.target, reason, isNew });
    await acted(c, 'paused', aboutOf(pause.target));
    await settlePauses({ db: adminDb, queue }, { withinMs: SETTLE_MS });
    return c.redirect('/console/actions?done=paused', 303);
  });
  app.post('/pauses/end', async (c) => {
    const target = await endPause(adminDb, (await readForm(c)).get('target') ?? '');
    events.bulk.pauseEnded({ by: signerOf(c), requestId: c.var.requestId, target });
    await acted(c, 'resumed', aboutOf(target));
    await settlePauses({ db: adminDb, queue }, { withinMs: SETTLE_MS });
    return c.redirect('/console/actions?done=resumed', 303);
  });

  const userOf = async (text: string) => {
    const user = text.trim() === '' ? undefined : await findUser(adminDb, text.trim());
    if (!user) throw new CodedError('not_found', `there is no user ${text.slice(0, 100)}; allowed: an email or an id`);
    return user.id;
  };
}

const aboutOf = (target: string) => ({
  subjectUserId: userOfTarget(target),
  detail: { target },
});
