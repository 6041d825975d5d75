import { z } from 'zod';

/**
 * What a key may do. Each route requires one of these. The first three are about the key's own user; the others, about
 * everybody, are for operators and support.
 */
export const SCOPES = [
  'jobs:write',
  'jobs:read',
  'usage:read',
  'console:read',
  'console:documents',
  'operator',
  'admin',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Those about the key's own user, which a key has that is created without any. */
export const OWN_SCOPES: readonly Scope[] = ['jobs:write', 'jobs:read', 'usage:read'];

export const scopeSchema = z
  .enum(SCOPES, { error: ({ input }) => `${shown(input)} is not allowed; allowed: ${SCOPES.join(', ')}` })
  .meta({ id: 'Scope' });

export const scopesSchema = z
  .array(scopeSchema)
  .min(1, `allowed: one or more of ${SCOPES.join(', ')}`)
  .meta({ description: 'What the key may do', example: [...OWN_SCOPES] });

/** Without duplicates, in the order of {@link SCOPES}. */
export function orderedScopes(scopes: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => scopes.includes(scope));
}

const shown = (input: unknown) => (JSON.stringify(input) ?? 'nothing').slice(0, 100);

/** What a scope includes beside itself. */
const INCLUDED: Partial<Record<Scope, readonly Scope[]>> = {
  'console:documents': ['console:read'],
  operator: ['console:read'],
  admin: ['console:read', 'console:documents', 'operator'],
};

/** Whether a key with these scopes may do what requires `wanted`. */
export function allows(scopes: readonly Scope[], wanted: Scope): boolean {
  return scopes.some((scope) => scope === wanted || INCLUDED[scope]?.includes(wanted));
}

/** What somebody who looks at everybody's jobs may do beside that. */
export interface Permissions {
  /** see documents: what was sent, and what was made of it */
  seeDocuments: boolean;
  /** cancel, retry, pause, send again */
  operate: boolean;
  /** users, keys, tiers */
  administer: boolean;
}

export function permissionsOf(scopes: readonly Scope[]): Permissions {
  return {
    seeDocuments: allows(scopes, 'console:documents'),
    operate: allows(scopes, 'operator'),
    administer: allows(scopes, 'admin'),
  };
}

/** The scope that gives a permission. */
export const SCOPE_OF: Record<keyof Permissions, Scope> = {
  seeDocuments: 'console:documents',
  operate: 'operator',
  administer: 'admin',
};
