import { z } from 'zod';

/** What a key may do. Each route requires one of these; none of them includes another. */
export const SCOPES = ['jobs:write', 'jobs:read', 'usage:read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Scopes of a key that is created without any: everything about its own user, nothing about others. */
export const DEFAULT_SCOPES: readonly Scope[] = ['jobs:write', 'jobs:read', 'usage:read'];

export const scopeSchema = z
  .enum(SCOPES, { error: ({ input }) => `${shown(input)} is not allowed; allowed: ${SCOPES.join(', ')}` })
  .meta({ id: 'Scope' });

export const scopesSchema = z
  .array(scopeSchema)
  .min(1, `allowed: one or more of ${SCOPES.join(', ')}`)
  .meta({ description: 'What the key may do', example: [...DEFAULT_SCOPES] });

/** Without duplicates, in the order of {@link SCOPES}. */
export function orderedScopes(scopes: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => scopes.includes(scope));
}

const shown = (input: unknown) => (JSON.stringify(input) ?? 'nothing').slice(0, 100);
