import { z } from 'zod';
import type { ErrorCode } from '../kernel/errors.ts';
import { ETAG, pdfResponse } from './schemas.ts';

/** The query of a request for the bytes of a PDF. */
export const pdfQuery = z.strictObject({
  disposition: z
    .enum(['attachment', 'inline'])
    .default('attachment')
    .meta({ description: 'Whether a browser saves the PDF or shows it; HTML is always saved' }),
});

/** The headers of such a request. */
export const pdfConditions = z.object({
  'If-None-Match': z.string().optional().meta({ description: 'The `ETag` of an earlier answer' }),
  Range: z
    .string()
    .optional()
    .meta({ description: 'One range of bytes; for several ranges the whole PDF is sent', example: 'bytes=0-1023' }),
  'If-Range': z.string().optional().meta({ description: 'An `ETag`: if it differs, the whole PDF is sent' }),
});

/** The headers of a request for a zip. */
export const zipConditions = pdfConditions.pick({ 'If-None-Match': true });

/** Its answers. */
export const zipResponses = {
  200: {
    description: 'The zip',
    headers: z.object(ETAG),
    content: { 'application/zip': { schema: { type: 'string' as const, format: 'binary' } } },
  },
  304: { description: 'The zip still has the `ETag` of `If-None-Match`', headers: z.object(ETAG) },
};

/** The answers of a request for a PDF. */
export const pdfResponses = {
  200: pdfResponse,
  206: { ...pdfResponse, description: 'The requested range' },
  304: { description: 'The PDF still has the `ETag` of `If-None-Match`', headers: z.object(ETAG) },
};

export const PDF_PROBLEMS: ErrorCode[] = [
  'not_found',
  'invalid_request',
  'job_not_ready',
  'file_expired',
  'range_not_satisfiable',
];
