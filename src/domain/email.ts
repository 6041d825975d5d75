import { z } from 'zod';

const EMAIL = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u;
const MAX_LENGTH = 320;

/** Emails identify users. They are stored and compared in lower case. */
export const emailSchema = z
  .string()
  .trim()
  .toLowerCase()
  .refine((email) => email.length <= MAX_LENGTH && EMAIL.test(email), {
    error: ({ input }) =>
      `${JSON.stringify(input).slice(0, 100)} is not allowed; allowed: an email address such as ann@example.com`,
  })
  .meta({ description: 'An email address, kept in lower case', example: 'ann@example.com' });
