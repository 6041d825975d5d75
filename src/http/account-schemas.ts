import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { SCOPES } from '../domain/scope.ts';
import { wholeNumber } from './query.ts';

const instant = z.iso.datetime();

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
    tier: z.string().nullable().meta({ description: 'null: without a subscription no key works' }),
    createdAt: instant,
  })
  .meta({ id: 'User' });

const common = {
  id: z.uuid(),
  user: z.string().meta({ description: "The user's email" }),
  userId: z.uuid(),
  tier: z.string().nullable().meta({ description: "The user's" }),
  scopes: z.array(z.enum(SCOPES)),
  expiresAt: instant.nullable(),
};

export const keySchema = z
  .object({
    ...common,
    prefix: z.string().meta({ description: 'How the key begins: the rest is not kept' }),
    createdAt: instant,
    lastUsedAt: instant.nullable(),
    revokedAt: instant.nullable(),
    replaces: z.uuid().nullable().meta({ description: 'The key from which a rotation made this one' }),
  })
  .meta({ id: 'Key' });

export const createdKeySchema = z
  .object({ ...common, key: z.string().meta({ description: 'Shown once' }) })
  .meta({ id: 'CreatedKey' });

export const rotatedKeySchema = createdKeySchema
  .extend({
    replaces: z.uuid().meta({ description: 'The old key' }),
    replacedExpiresAt: instant.meta({ description: 'Until when the old key is valid too' }),
  })
  .meta({ id: 'RotatedKey' });

/** What every list takes. */
export const pageQuery = z.strictObject({
  limit: wholeNumber({ min: 1, max: 100, fallback: 20 }),
  cursor: z.uuid('allowed: the nextCursor of the page before').optional(),
});

/** What every list answers. */
export const pageOf = (item: z.ZodType) => z.object({ data: z.array(item), nextCursor: z.string().nullable() });

export const jsonResponse = (description: string, schema: z.ZodType): ZodOpenApiResponseObject => ({
  description,
  content: { 'application/json': { schema } },
});

export const userIdParams = z.object({ id: z.string().meta({ description: "The user's id" }) });
export const keyIdParams = z.object({ id: z.string().meta({ description: "The key's id" }) });
export const tierNameParams = z.object({ name: z.string().meta({ description: "The tier's name" }) });
