import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Download, DOWNLOAD_FROM, downloadsOf } from '../../../compat/gotenberg/downloads.ts';
import { deniedUrl } from '../../../egress/denied-url.ts';
import { Dialer } from '../../../egress/dialer.ts';
import { fetchFile, type Fetched } from '../../../egress/fetch-file.ts';
import type { EgressPolicy } from '../../../egress/policy.ts';
import { SEND_ERRORS } from '../../../egress/send-request.ts';
import { CodedError, invalidFields } from '../../../kernel/errors.ts';
import { forEachInSlots } from '../../../kernel/for-each-in-slots.ts';
import { headerParameters } from '../../header-parameters.ts';
import { tooLarge } from '../../received.ts';
import type { SavedFile, UploadFolder, UploadSpace } from '../../upload-space.ts';
import { type FormFile, formFile, lastSegment, type ReceivedForm } from '../receive-form.ts';

/** Milliseconds before each try after the first. */
const PAUSES_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000];
/** Downloads of one form at a time. */
const SLOTS = 4;

interface DownloadDeps {
  /** where documents may load from */
  egress: EgressPolicy;
  /** what one form may have */
  space: Pick<UploadSpace, 'maxBytes' | 'maxFiles'>;
  /** instead of the usual ones, in milliseconds */
  pausesMs?: readonly number[];
}

interface DownloadInput {
  form: ReceivedForm;
  /** where the files of the form are */
  folder: UploadFolder;
  /** id of the request, which is sent along */
  trace: string;
  /** milliseconds for all of them */
  ms: number;
  /** of the caller, who may hang up */
  signal: AbortSignal;
}

/**
 * Adds to a form the files that its field `downloadFrom` names, after those that were sent, in the order of the list.
 * They are fetched like everything that a document loads, and count against the limits of the form. Without the field it
 * is the form as it is.
 * @throws CodedError `invalid_request` that names the entry: it is malformed, there is no file, or it has no name;
 *   `egress_denied` if nothing may be fetched from there; `body_too_large`, `unavailable`, `too_much_under_way`
 */
export async function withDownloads(deps: DownloadDeps, input: DownloadInput): Promise<ReceivedForm> {
  const { form } = input;
  const downloads = downloadsOf(form);
  if (downloads.length === 0) return form;
  const most = deps.space.maxFiles - form.files.length;
  if (downloads.length > most)
    throw invalidFields([{ field: DOWNLOAD_FROM, message: `allowed: ${deps.space.maxFiles} files with those that are sent` }]); // prettier-ignore
  for (const [at, { url }] of downloads.entries()) {
    const denied = deniedUrl(deps.egress, url);
    if (denied !== undefined) throw new CodedError('egress_denied', `${fieldOf(at)}: ${denied}`);
  }
  const downloader = new Downloader(deps, input);
  const files: FormFile[] = [];
  await forEachInSlots(downloads.entries(), SLOTS, async ([at, download]) => {
    const { name, saved } = await downloader.get(download, at);
    files[at] = formFile(download.field, name, saved);
  });
  return { ...form, files: [...form.files, ...files] };
}

const fieldOf = (at: number) => `${DOWNLOAD_FROM}[${at}].url`;

class Downloader {
  readonly #deps: DownloadDeps;
  readonly #input: DownloadInput;
  readonly #dialer: Dialer;
  readonly #endsAt: number;
  /** bytes that the form may still have */
  #left: number;

  constructor(deps: DownloadDeps, input: DownloadInput) {
    this.#deps = deps;
    this.#input = input;
    this.#dialer = new Dialer({ policy: deps.egress });
    this.#endsAt = performance.now() + input.ms;
    this.#left = deps.space.maxBytes - input.form.files.reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws CodedError */
  async get(download: Download, at: number): Promise<{ name: string; saved: SavedFile }> {
    const { pausesMs = PAUSES_MS } = this.#deps;
    const { signal } = this.#input;
    for (let tries = 0; ; tries++) {
      const tried = await this.#try(download);
      if ('saved' in tried) return tried;
      const pause = pausesMs[tries];
      const isLast = pause === undefined || performance.now() + pause >= this.#endsAt;
      if (!tried.isPassing || isLast) throw errorOf(tried, fieldOf(at));
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #try({ url, headers }: Download): Promise<{ name: string; saved: SavedFile } | Failed> {
    const { trace, signal } = this.#input;
    let name: string | undefined;
    let saved: SavedFile | undefined;
    const sent = await fetchFile(
      this.#dialer,
      {
        url,
        headers: { 'User-Agent': 'Gotenberg', 'Gotenberg-Trace': trace },
        originHeaders: withoutTrace(headers),
        totalMs: Math.max(1, this.#endsAt - performance.now()),
        signal,
      },
      async (answer) => {
        name = nameOf(answer);
        if (name !== undefined) saved = await this.#input.folder.save(this.#counted(answer));
        else answer.destroy();
      },
    );
    if (sent.cause instanceof CodedError) throw sent.cause;
    if (!sent.error && name !== undefined && saved) return { name, saved };
    return failed(sent);
  }

  /** Every try counts: what it wrote is on the disk until the request ends. @throws CodedError `body_too_large` */
  async *#counted(answer: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const piece of answer) {
      this.#left -= piece.byteLength;
      if (this.#left < 0) throw tooLarge(DOWNLOAD_FROM, this.#deps.space.maxBytes);
      yield piece;
    }
  }
}

interface Failed {
  code: 'invalid_request' | 'egress_denied' | 'unavailable' | 'client_closed_request';
  message: string;
  /** another try may end better */
  isPassing: boolean;
}

function failed({ error, status = 0 }: Fetched): Failed {
  if (error !== undefined) return unanswered(error);
  const message =
    status === 200
      ? 'its answer has no file name; required: a header Content-Disposition with filename'
      : `it answered ${status}; allowed: 200`;
  return { code: 'invalid_request', message, isPassing: status === 429 || status >= 500 };
}

function unanswered(error: NonNullable<Fetched['error']>): Failed {
  // A request without a body has no other error of its body than this one.
  if (error === 'aborted' || error === 'body')
    return { code: 'client_closed_request', message: 'the caller hung up', isPassing: false };
  const message = SEND_ERRORS[error];
  if (error === 'address') return { code: 'egress_denied', message, isPassing: false };
  if (error === 'timeout') return { code: 'unavailable', message, isPassing: false }; // no time is left at all
  return { code: 'invalid_request', message, isPassing: error !== 'unsendable' };
}

function errorOf({ code, message }: Failed, field: string): CodedError {
  if (code === 'invalid_request') return invalidFields([{ field, message }]);
  return new CodedError(code, `${field}: ${message}`, code === 'unavailable' ? { retryAfterSeconds: 1 } : {});
}

const withoutTrace = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'gotenberg-trace'));

/** The name of the file that an answer has, without folders. */
function nameOf({ headers }: IncomingMessage): string | undefined {
  const name = headerParameters(headers['content-disposition'] ?? '')?.parameters.get('filename');
  return lastSegment(name ?? '') || undefined;
}
