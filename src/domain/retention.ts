import { z } from 'zod';

/** Seconds that files may be kept. */
export const RETENTION_BOUNDS = { min: 60, max: 315_360_000 };

const RETENTION = `allowed: whole seconds from ${RETENTION_BOUNDS.min} to ${RETENTION_BOUNDS.max} (ten years)`;

/** Seconds that files are kept: of a job, a user or a tier. */
export const retentionSchema = z
  .int(RETENTION)
  .min(RETENTION_BOUNDS.min, RETENTION)
  .max(RETENTION_BOUNDS.max, RETENTION);
