import { z } from 'zod';

/** What a key may do. Each route asks for one of these; none of them includes another. */
export const SCOPES = ['jobs:write', 'jobs:read', 'usage:read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Of a key for which none are named: everything that concerns its own user, nothing of others. */
export const DEFAULT_SCOPES: readonly Scope[] = ['jobs:write', 'jobs:read', 'usage:read'];

export const scopesSchema = z
  .array(z.enum(SCOPES, { error: ({ input }) => `${shown(input)} is not allowed; allowed: ${SCOPES.join(', ')}` }))
  .min(1, `allowed: one or more of ${SCOPES.join(', ')}`)
  .meta({ description: 'What the key may do', example: [...DEFAULT_SCOPES] });

/** Each once, in the order of {@link SCOPES}. */
export function orderedScopes(scopes: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => scopes.includes(scope));
}

const shown = (input: unknown) => (JSON.stringify(input) ?? 'nothing').slice(0, 100);
