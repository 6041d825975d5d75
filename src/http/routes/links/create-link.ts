import { z } from 'zod';
import { DISPOSITIONS } from '../../../links/link-token.ts';
import { makeLink, VIAS } from '../../make-link.ts';
import { MAX_LINK_SECONDS } from '../../../links/rotate-link-keys.ts';
import { readBody } from '../../body.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse } from '../../schemas.ts';

const SECONDS = `allowed: whole seconds from 1 to ${MAX_LINK_SECONDS} (7 days)`;
const POSITION = 'allowed: the position of a file, from 0';

const body = z
  .strictObject({
    expiresIn: z
      .int(SECONDS)
      .min(1, SECONDS)
      .max(MAX_LINK_SECONDS, SECONDS)
      .default(3_600)
      .meta({ description: 'Seconds that the link is valid. It ends with the file, if that is earlier' }),
    disposition: z
      .enum(DISPOSITIONS)
      .default('inline')
      .meta({ description: 'Whether a browser shows the file or saves it; HTML is always saved' }),
    file: z
      .int(POSITION)
      .min(0, POSITION)
      .max(32_767, POSITION)
      .default(0)
      .meta({ description: 'Which of the files of the job; the first is 0' }),
    via: z.enum(VIAS).default('service').meta({
      description:
        'Who sends the file: the service, or the bucket that it is in, whose links cannot be revoked (docs/links.md)',
    }),
  })
  .meta({ id: 'NewLink' });

const answer = z
  .object({
    url: z.string().meta({ description: 'Shown once. Who has it can read the file' }),
    expiresAt: z.iso.datetime(),
    file: z.int(),
    disposition: z.enum(DISPOSITIONS),
    via: z.enum(VIAS),
  })
  .meta({ id: 'Link' });

export function createLinkRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/jobs/{id}/link',
    scope: 'jobs:write',
    operationId: 'createLink',
    summary: 'A URL to a file of a completed job that works without a key',
    requestParams: { path: idOf('job') },
    requestBody: jsonBody(body, { required: false }),
    responses: { 201: jsonResponse('The link', answer) },
    problems: ['not_found', 'job_not_ready', 'file_expired'],
    handle: async (c) => {
      const wanted = await readBody(c, body, { isOptional: true });
      const { userId } = c.var.principal;
      const jobId = c.req.param('id') ?? '';
      const made = await makeLink(c, deps, { userId, jobId, ...wanted });
      const { file, via } = wanted;
      const link: z.infer<typeof answer> = { ...made, file, via };
      deps.events.linkCreated({ ...aboutOf(c), jobId, userId, file, via, expiresAt: made.expiresAt });
      return c.json(link, 201, { 'Cache-Control': 'no-store' });
    },
  };
}
