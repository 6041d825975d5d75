// The API of the service, for the user who is signed in here.

const ROOT = '/studio/v1';

/** An answer that is an error, as the API describes it. */
class Problem extends Error {
  /** @param {Response} response @param {{ code?: string, detail?: string, errors?: { field: string, message: string }[] }} body */
  constructor(response, body) {
    super(body.detail ?? `the service answered ${response.status}`);
    this.status = response.status;
    this.code = body.code ?? '';
    this.fields = body.errors ?? [];
    this.retryAfterSeconds = Number(response.headers.get('retry-after') ?? 0);
  }
}

/** A job of ours ended without a PDF. */
class JobFailed extends Error {
  constructor(jobId, { code, message }) {
    super(message);
    this.jobId = jobId;
    this.code = code;
  }
}

/** @throws Problem; TypeError if the service cannot be reached */
async function call(path, init = {}) {
  const response = await fetch(`${ROOT}${path}`, { cache: 'no-store', ...init });
  if (response.ok) return response;
  throw new Problem(response, await response.json().catch(() => ({})));
}

const json = async (path, init) => (await call(path, init)).json();
const send = (method, body, signal) => ({
  method,
  signal,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});
const of = (name) => `/templates/${encodeURIComponent(name)}`;

/** Items of all pages, up to `most`. */
async function all(path, most) {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: '100', ...(cursor !== null && { cursor }) });
    const { data, nextCursor } = await json(`${path}?${query.toString()}`);
    items.push(...data);
    cursor = nextCursor;
  } while (cursor !== null && items.length < most);
  return items;
}

const MOST = 1_000;
export const listTemplates = () => all('/templates', MOST);
/** @param {number} [version] the newest unless it is named */
export const getTemplate = (name, version) => json(version === undefined ? of(name) : `${of(name)}@${version}`);
/** The newest ones first. */
export const listVersions = (name) => all(`${of(name)}/versions`, MOST);
export async function saveTemplate(name, body) {
  const response = await call(of(name), send('PUT', body));
  return { isNew: response.status === 201, ...(await response.json()) };
}
export const deleteTemplate = (name) => call(of(name), { method: 'DELETE' });
/** A file of one of the templates. */
export const readAsset = (id) => call(`/assets/${id}`);
export const uploadAsset = (file) =>
  json('/assets', {
    method: 'PUT',
    body: file,
    headers: { 'Content-Type': file.type || 'application/octet-stream' },
  });

/** Seconds that one request waits for a job. */
const WAIT_SECONDS = 30;

/** Prints, and waits for the end of the job. The PDF is not in the answer: the viewer fetches it. @returns the job's id */
async function printed(path, body) {
  const accepted = send('POST', body);
  const response = await call(path, { ...accepted, headers: { ...accepted.headers, Prefer: 'wait=0' } });
  const id = response.headers.get('x-job-id');
  await response.arrayBuffer();
  for (;;) {
    const { status, error } = await json(`/jobs/${id}?wait=${WAIT_SECONDS}`);
    if (status === 'completed') return id;
    if (status === 'failed') throw new JobFailed(id, error);
    if (status === 'cancelled') throw new JobFailed(id, { code: 'job_failed', message: 'the job was cancelled' });
  }
}
export const previewTemplate = (name, body) => printed(`${of(name)}/preview`, body);
export const print = (body) => printed('/pdf', body);
export const pdfPath = (jobId, disposition) => `${ROOT}/jobs/${jobId}/pdf?disposition=${disposition}`;
