import { randomUUID } from 'node:crypto';
import type { FormConversion, FormRoute } from '../../../compat/gotenberg/form-route.ts';
import { attachmentOf, endingOfType, outputNameOf } from '../../../compat/gotenberg/output-name.ts';
import { sentTo } from '../../../compat/gotenberg/webhook.ts';
import type { Job } from '../../../domain/job.ts';
import { getJobFile } from '../../../jobs/read.ts';
import { CodedError } from '../../../kernel/errors.ts';
import { MEGABYTE } from '../../../kernel/units.ts';
import { answered } from '../../answered.ts';
import type { AppContext, AppDeps } from '../../route.ts';
import { storeOf } from '../../send-pdf.ts';
import { type ReceivedForm, withSentForm } from '../receive-form.ts';
import { submitConversion, waitForResult } from '../run-conversion.ts';
import { sendResult } from '../send-result.ts';
import { withDownloads } from './download-from.ts';
import { traceOf } from './trace.ts';
import { askedWebhook } from './webhook.ts';

/** Milliseconds that a job has, at least. */
const SHORTEST_MS = 1_000;

/**
 * Answers a form with the file of its job, or with a zip of several. If a webhook is asked for, it is sent there instead.
 * @throws CodedError if there is none; `unavailable` if the whole request takes too long
 */
export async function answerForm(c: AppContext, deps: AppDeps, route: FormRoute): Promise<Response> {
  const startedAt = performance.now();
  const { timeoutMs } = deps.compat;
  const remainingMs = () => Math.max(1, Math.ceil(timeoutMs - (performance.now() - startedAt)));
  const webhook = askedWebhook(c, deps);
  const { conversion, submitted } = await withSentForm(c, deps.uploads, async (sent, folder) => {
    const fetching = { form: sent, folder, trace: traceOf(c), ms: remainingMs(), signal: c.req.raw.signal };
    const form = await withDownloads({ ...deps, space: deps.uploads }, fetching);
    const conversion = await convert(c, deps, { route, form, timeoutMs, remainingMs });
    return {
      conversion,
      submitted: await submitConversion(c, deps, webhook ? sentTo(conversion, webhook) : conversion),
    };
  });
  if (webhook) return new Response(null, { status: 204 });
  const job = await waitForResult(c, deps, submitted, remainingMs(), conversion.fields);
  return conversion.toAnswer ? sendAnswer(c, deps, job, conversion.toAnswer) : sendNamed(c, deps, job, conversion);
}

async function convert(
  c: AppContext,
  { composer }: AppDeps,
  {
    route,
    form,
    timeoutMs,
    remainingMs,
  }: { route: FormRoute; form: ReceivedForm; timeoutMs: number; remainingMs: () => number },
): Promise<FormConversion> {
  const { userId } = c.var.principal;
  const toHtml = async (text: string) => {
    const ms = remainingMs();
    const late = AbortSignal.timeout(ms); // it may wait for its turn, too
    const signal = AbortSignal.any([c.req.raw.signal, late]);
    const input = { kind: 'markdown', text, allowHtml: true, isFragment: true, locale: 'en-US' } as const;
    return composer.compose(input, { timeoutMs: ms, signal, tenant: userId }).catch((error: unknown) => {
      if (!late.aborted && remainingMs() > 1) throw error;
      const message = `the request took longer than its limit of ${timeoutMs / 1_000} s`;
      throw new CodedError('unavailable', message, { retryAfterSeconds: 1, cause: error });
    });
  };
  const outputName = outputNameOf(c.req.header('gotenberg-output-filename'));
  const conversion = await route.convert(form, { outputName, uniqueName: randomUUID(), timeoutMs, toHtml });
  const request = { timeoutMs: Math.max(SHORTEST_MS, timeoutMs), ...conversion.request };
  return { ...conversion, request };
}

/** Sends what a job has made under the caller's name. */
async function sendNamed(c: AppContext, deps: AppDeps, job: Job, { naming }: FormConversion): Promise<Response> {
  const { userId } = c.var.principal;
  const answer = await sendResult(c, deps, { userId, jobId: job.id }, naming);
  const ending = endingOfType(answer.headers.get('content-type') ?? '');
  answer.headers.set('Content-Disposition', attachmentOf(`${naming.name}${ending}`));
  return answer;
}

/** Bytes of JSON that another is made of. */
const MAX_JSON = 20 * MEGABYTE;

/**
 * Sends JSON that is made of the JSON of a job.
 * @throws CodedError `finishing_invalid` if that is too large; `too_much_under_way`, `unavailable`
 */
async function sendAnswer(
  c: AppContext,
  { reads, stores }: AppDeps,
  { id: jobId }: Job,
  toAnswer: (json: unknown) => unknown,
): Promise<Response> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const found = await underWay.reading(userId, () => getJobFile(reads, { userId, jobId, position: 0 }));
  if (found.size > MAX_JSON)
    throw new CodedError('finishing_invalid', `files: what is read from them has more than ${MAX_JSON} bytes`);
  await underWay.holdDownload(userId, found.size, answered(c), found.size); // all of it is in memory
  const pieces: Uint8Array[] = [];
  await underWay.reading(userId, async () => {
    const { fileId, size } = found;
    for await (const piece of storeOf(stores, found).open(reads, { userId, fileId, size })) pieces.push(piece);
  });
  const json: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
  return c.json(toAnswer(json) as object);
}
