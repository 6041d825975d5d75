import { z } from 'zod';
import { findAsset } from '../../../assets/find-asset.ts';
import { CodedError } from '../../../kernel/errors.ts';
import { pdfConditions } from '../../pdf-operation.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { ETAG } from '../../schemas.ts';
import { sendBytes } from '../../send-bytes.ts';

const headers = z.object(ETAG);
const content = { '*/*': { schema: { type: 'string', format: 'binary' } } } as const;

export function getAssetRoute({ reads, assetStores, events }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/assets/{id}',
    scope: 'jobs:read',
    operationId: 'getAsset',
    summary: 'A file that was sent',
    description: 'GET supports one range of bytes; GET and HEAD support conditions.',
    requestParams: {
      path: z.object({ id: z.string().meta({ description: 'SHA-256 of the bytes, in lower-case hex' }) }),
      header: pdfConditions,
    },
    responses: {
      200: { description: 'The bytes', headers, content },
      206: { description: 'The requested range', headers, content },
      304: { description: 'You have it', headers },
    },
    problems: ['not_found', 'range_not_satisfiable'],
    handle: async (c) => {
      const { userId } = c.var.principal;
      const sha256 = c.req.param('id') ?? '';
      const asset = await c.var.underWay.reading(userId, () => findAsset(reads, { userId, sha256 }));
      const store = assetStores.of(asset);
      if (!store) throw new CodedError('unavailable', 'the file is in a store that this service cannot reach now');
      return sendBytes(c, {
        db: reads,
        store,
        file: { userId, fileId: asset.id, size: asset.size },
        what: 'asset',
        etag: `"${sha256}"`,
        headers: { 'Cache-Control': 'private, max-age=31536000, immutable', ETag: `"${sha256}"` },
        // It is the user's own, but no page of this service's.
        contentHeaders: { 'Content-Type': asset.type, 'Content-Disposition': 'attachment' },
        onCutOff: (error) => events.downloadCutOff({ ...aboutOf(c), userId }, error),
      });
    },
  };
}
