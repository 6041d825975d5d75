import { CodedError } from '../../../kernel/errors.ts';
import { checkEncoding } from '../../body.ts';
import { typeOf } from '../../receive-uploads.ts';
import { announcedBytes, received } from '../../received.ts';
import { bytesOf, putInTurn } from '../../request-files.ts';
import type { AppContext, AppDeps, Operation } from '../../route.ts';
import { assetSchema, jsonResponse } from '../../schemas.ts';

export function putAssetRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/assets',
    scope: 'jobs:write',
    operationId: 'putAsset',
    summary: 'Send a file that documents need',
    description:
      'The body is the file, and `Content-Type` its type. The same bytes twice are one asset. It is kept as long as something refers to it, or a day.',
    requestBody: { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } },
    responses: {
      201: jsonResponse('Kept', assetSchema),
      200: jsonResponse('It is there already', assetSchema),
    },
    problems: ['asset_limit_reached'],
    handle: async (c) => {
      checkEncoding(c);
      const type = c.req.header('content-type');
      if (/^multipart\//i.test(type ?? ''))
        throw new CodedError('unsupported_media_type', 'Content-Type: multipart: allowed: the bytes of the file');
      const { asset, isNew } = await receiveAsset(c, deps, typeOf('', isOfForm(type) ? undefined : type));
      return c.json({ id: asset.sha256, size: asset.size, type: asset.type }, isNew ? 201 : 200);
    },
  };
}

/** What curl says of data by default. */
const isOfForm = (type: string | undefined) => type === 'application/x-www-form-urlencoded';

async function receiveAsset(c: AppContext, deps: AppDeps, type: string): ReturnType<typeof putInTurn> {
  const { uploads } = deps;
  const { underWay, principal } = c.var;
  const { userId } = principal;
  return underWay.receiving(userId, announcedBytes(c) || uploads.maxBytes, () =>
    uploads.within(userId, async (folder) => {
      const file = await folder.save(received(c, uploads.maxBytes));
      return putInTurn(underWay, deps, { userId, type, bytes: bytesOf(file) });
    }),
  );
}
