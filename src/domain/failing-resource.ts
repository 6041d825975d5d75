import { z } from 'zod';
import { checkedText } from './check-input.ts';
import { failingStatuses, statusFails } from './failing-status.ts';

const HOST = 'allowed: a host name such as cdn.example.com, or an IP address, without scheme and port';
const MAX_HOSTS = 100;

/** @returns undefined if the text is a host name or an IP address, as in a URL */
function hostProblem(text: string): string | undefined {
  const isHost = /^(?:[^:/?#@\s*]+|\[[\da-f:.]+\])$/i.test(text);
  return isHost && URL.canParse(`http://${text}/`) ? undefined : HOST;
}

/** Which resources that fail also fail the job. */
export const failingResources = z
  .union(
    [
      z.boolean(),
      z
        .strictObject({
          statuses: failingStatuses
            .optional()
            .describe('Answers with one of these statuses fail the job; default: none'),
          unreachable: z
            .boolean()
            .optional()
            .describe('Whether a resource that gets no answer, or one that the page may not use, fails the job'),
          ignore: z
            .array(checkedText(hostProblem, 255))
            .max(MAX_HOSTS)
            .optional()
            .meta({
              description: 'Hosts whose resources fail no job, with their subdomains',
              example: ['analytics.example.com'],
            }),
        })
        .meta({ id: 'FailingResources' }),
    ],
    'allowed: true, false, or an object with statuses, unreachable, ignore',
  )
  .default(false);

/** A resource of a document that was answered, or was not. */
export interface ResourceEnd {
  /** absolute, or relative to the document's own origin */
  url: string;
  /** of the answer; undefined: there was none that the page may use */
  status: number | undefined;
}

/** Whether a resource fails the job. With true every answer of 400 or more does, and every one that did not come. */
export function resourceFails(fails: z.output<typeof failingResources>, { url, status }: ResourceEnd): boolean {
  if (typeof fails === 'boolean') return fails && (status === undefined || status >= 400);
  const { statuses = [], unreachable = false, ignore = [] } = fails;
  const host = URL.parse(url)?.hostname;
  if (host !== undefined && ignore.some((ignored) => isWithin(host, ignored))) return false;
  return status === undefined ? unreachable : statusFails(statuses, status);
}

function isWithin(host: string, ignored: string): boolean {
  const name = new URL(`http://${ignored}/`).hostname;
  return host === name || host.endsWith(`.${name}`);
}
