/**
 * What a customer wrote for version 1 when it came out: strict about all that it needs, and blind to what it does not
 * know. It is never changed; what does not pass here is a new version.
 */
export function parseVersion1(text: string) {
  const must = (isTrue: boolean, what: string) => {
    if (!isTrue) throw new Error(`not version 1: ${what}`);
  };
  const event = JSON.parse(text) as Record<string, never>;
  const time = (value: unknown, what: string) => {
    must(typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value), what);
    return new Date(value as string);
  };
  const whole = (value: unknown, what: string) => {
    must(Number.isSafeInteger(value) && (value as number) >= 0, what);
    return value as number;
  };
  must(event['version'] === 1, 'version');
  const type = String(event['type']);
  must(['job.completed', 'job.failed', 'job.cancelled'].includes(type), 'type');
  const data = event['data'] as unknown as Record<string, unknown>;
  must(typeof data['id'] === 'string' && /^[0-9a-f-]{36}$/.test(data['id']), 'data.id');
  must(`job.${String(data['status'])}` === type, 'data.status');
  must(typeof data['url'] === 'string' && data['url'].endsWith(`/v1/jobs/${String(data['id'])}`), 'data.url');
  must(data['filename'] === null || typeof data['filename'] === 'string', 'data.filename');
  must(typeof data['metadata'] === 'object' && data['metadata'] !== null, 'data.metadata');
  const error = data['error'] as { code: unknown; message: unknown } | null;
  must(error === null || (typeof error.code === 'string' && typeof error.message === 'string'), 'data.error');
  must((error !== null) === (type === 'job.failed'), 'data.error');
  return {
    at: time(event['timestamp'], 'timestamp'),
    completedAt: time(data['completedAt'], 'data.completedAt'),
    files: whole(data['files'], 'data.files'),
    pages: whole(data['pages'], 'data.pages'),
    size: whole(data['size'], 'data.size'),
    error,
  };
}
