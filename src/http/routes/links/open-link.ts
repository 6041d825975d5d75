import { z } from 'zod';
import { type FoundFile, getJobFile } from '../../../jobs/read.ts';
import { CodedError } from '../../../kernel/errors.ts';
import type { Link } from '../../../links/link-token.ts';
import { noSuchLink, openLink } from '../../../links/open-link.ts';
import { counted } from '../../middleware/count-requests.ts';
import { pdfConditions, pdfResponses } from '../../pdf-operation.ts';
import type { AppContext, AppDeps, Operation } from '../../route.ts';
import { ETAG, pdfResponse } from '../../schemas.ts';
import { etagOf, sendFoundFile } from '../../send-pdf.ts';
import { publicParty } from '../../under-way.ts';

const path = z.object({ token: z.string().meta({ description: 'The last part of a link' }) });
/** Only of the file: a link says nothing of the job. */
const fileResponse = { ...pdfResponse, headers: z.object(ETAG) };

/** Requests for links of a tenant have a share of their own, so that strangers cannot use up the tenant's. */
export function openLinkRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/links/{token}',
    scope: null,
    operationId: 'openLink',
    summary: 'The file that a link leads to',
    description: 'GET supports one range of bytes; GET and HEAD support conditions. A query is ignored.',
    requestParams: { path, header: pdfConditions },
    responses: { ...pdfResponses, 200: fileResponse, 206: { ...fileResponse, description: 'The requested range' } },
    problems: ['not_found', 'link_expired', 'file_expired', 'range_not_satisfiable'],
    handle: async (c) => {
      const link = await openLink(deps.linkKeys, c.req.param('token') ?? '');
      const send = async () => {
        const file = await fileOf(c, deps, link);
        return sendFoundFile(c, deps, { ...link, party: publicParty(link.userId), file, headers: headersOf(file) });
      };
      return counted(c, link.userId, send, { isPublic: true });
    },
  };
}

/** @throws CodedError as if there were no link, if it was revoked or the job was deleted; `file_expired` */
async function fileOf(c: AppContext, { reads }: AppDeps, link: Link): Promise<FoundFile> {
  try {
    const file = await c.var.underWay.reading(publicParty(link.userId), () => getJobFile(reads, link));
    if (file.linkRevocations === link.revocations) return file;
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'not_found')) throw error;
  }
  throw noSuchLink();
}

/** Nothing of the job but the file. It is asked for again each time, as the link may be revoked. */
function headersOf(file: FoundFile): Record<string, string> {
  return { 'Cache-Control': 'private, no-cache', ETag: etagOf(file), 'X-Robots-Tag': 'noindex' };
}
