import { validate as isUuid } from 'uuid';
import { z } from 'zod';

/** Whose jobs a pause holds up, as it is written everywhere: `all`, `tier:NAME` or `user:ID`. */
export type PauseTarget = { kind: 'all' } | { kind: 'tier'; tier: string } | { kind: 'user'; userId: string };

export const TARGET_ALLOWED = 'allowed: all, tier:NAME or user:ID';

/** @returns undefined if it is no target */
export function readPauseTarget(text: string): PauseTarget | undefined {
  if (text === 'all') return { kind: 'all' };
  const [, kind, name = ''] = /^(tier|user):(.+)$/s.exec(text) ?? [];
  if (kind === 'tier') return { kind, tier: name };
  return kind === 'user' && isUuid(name) ? { kind, userId: name.toLowerCase() } : undefined;
}

export function pauseTargetText(target: PauseTarget): string {
  if (target.kind === 'all') return 'all';
  return target.kind === 'tier' ? `tier:${target.tier}` : `user:${target.userId}`;
}

/** The id of the user whose jobs a target is; undefined: it is not one user's. */
export function userOfTarget(text: string): string | undefined {
  const target = readPauseTarget(text);
  return target?.kind === 'user' ? target.userId : undefined;
}

/** Why, for everybody who looks at the queue. */
export const pauseReasonSchema = z
  .string()
  .trim()
  .min(1, 'allowed: 1 to 500 characters')
  .max(500, 'allowed: 1 to 500 characters');
