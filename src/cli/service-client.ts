import type { Config } from '../config/load.ts';
import { messageOf, OperatorError, UsageError } from '../kernel/errors.ts';
import { isLoopbackUrl } from '../kernel/loopback.ts';

/** Milliseconds for one request. */
const TIMEOUT_MS = 60_000;

interface ServiceRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  path: string;
  body?: Uint8Array<ArrayBuffer> | string;
  /** media type of the body */
  type?: string;
  /** statuses that are no error, besides 2xx */
  allow?: readonly number[];
}

/** A running service, with a key. */
export class ServiceClient {
  readonly url: string;
  readonly #key: string;
  /** why it is this address, if nobody has named one */
  readonly #origin: string;

  constructor(url: string, key: string, origin = '') {
    this.url = url.replace(/\/$/, '');
    this.#key = key;
    this.#origin = origin;
  }

  /** @throws OperatorError that says what the service said */
  async send({ method, path, body, type, allow = [] }: ServiceRequest): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.#key}`, ...(type !== undefined && { 'Content-Type': type }) };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const init = { method, headers, signal, ...(body !== undefined && { body }) };
    const response = await fetch(`${this.url}${path}`, init).catch((error: unknown) => {
      const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new OperatorError(
        `${this.url}${this.#origin} could not be reached: ${messageOf(reason)}; allowed: PDFPROMPT_URL or --url of a running service`,
        { cause: error },
      );
    });
    if (response.ok || allow.includes(response.status)) return response;
    throw await refusal(response);
  }

  async json<T>(request: ServiceRequest): Promise<T> {
    return (await (await this.send(request)).json()) as T;
  }
}

/** The client of the settings. @throws UsageError without a key */
export async function serviceClient({ serviceUrl, port, serviceKey, dataDir }: Config): Promise<ServiceClient> {
  const url = serviceUrl ?? `http://127.0.0.1:${port}`;
  const { keptDemoKey } = await import('../runtime/demo-key.ts');
  const key = serviceKey ?? (isLoopbackUrl(url) ? await keptDemoKey(dataDir) : '');
  if (key === '')
    throw new UsageError(
      `It needs a key for ${url}; allowed: PDFPROMPT_KEY or --key, as \`pdfprompt up\` and \`pdfprompt keys create\` print one`,
    );
  return new ServiceClient(url, key, serviceUrl === undefined ? `, where \`pdfprompt up\` is with PORT=${port},` : '');
}

/** What an error answer (RFC 9457) says. */
async function refusal(response: Response): Promise<OperatorError> {
  const text = await response.text();
  let problem: { detail?: unknown; title?: unknown } = {};
  try {
    problem = (JSON.parse(text) ?? {}) as typeof problem;
  } catch {
    // another server's page
  }
  const said = [problem.detail, problem.title].find((each) => typeof each === 'string' && each !== '');
  const hint = response.status === 401 ? '; allowed: PDFPROMPT_KEY or --key with a key of this service' : '';
  return new OperatorError(`${(said as string | undefined) ?? `the service answered ${response.status}`}${hint}`);
}
