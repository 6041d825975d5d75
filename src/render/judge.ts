import type { Failure } from '../domain/outcome.ts';
import { DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, type ErrorCode } from '../kernel/errors.ts';
import { isBrowserError } from './browser-error.ts';
import { type RendererEnd, RendererGone } from './browser-watch.ts';
import { BrowserGone } from './pool-member.ts';

const reject = (code: ErrorCode, message: string): Failure => ({ kind: 'reject', code, message });

/** The outcome of a failed rendering; undefined if the document may be rendered again at once. */
export function judge(error: unknown, isAlone: boolean): Failure | undefined {
  if (error instanceof CodedError && error.code === 'unavailable') return { kind: 'interrupted', reason: 'store' }; // its files
  if (error instanceof CodedError) return reject(error.code, error.message);
  if (error instanceof DeadlineExceeded) return reject('render_timeout', `${error.message}; allow more with timeoutMs`);
  if (error instanceof RendererGone) return RENDERER_OUTCOMES[error.how];
  if (error instanceof BrowserGone && isAlone && !error.isFromOutside)
    return reject('document_crashed', 'the browser ended or hung while it rendered this document and nothing else');
  return undefined;
}

const RENDERER_OUTCOMES: Record<RendererEnd, Failure | undefined> = {
  crashed: reject(
    'document_crashed',
    'the renderer process crashed: the document is too deep, too large or too complex for the browser',
  ),
  closed: reject('document_crashed', 'the document closed its own page'),
  'too large': reject('memory_exceeded', 'the document needs more memory than DOCUMENT_MEMORY_LIMIT_MB'),
  'fills the memory': reject(
    'memory_exceeded',
    'the document needs more memory than its worker has, with no other document running',
  ),
  largest: { kind: 'interrupted', reason: 'memory' },
  killed: undefined,
};

/** The outcome after repeated failures that the document does not seem to cause. */
export function failure(error: unknown): Failure {
  if (isBrowserError(error, 'printing'))
    return { kind: 'retry', code: 'print_failed', message: 'the browser could not print the document', cause: error };
  const isGone = error instanceof RendererGone || error instanceof BrowserGone;
  const message = isGone ? 'the browser ended while it rendered the document' : 'the browser failed';
  return { kind: 'retry', code: 'browser_failed', message, cause: error };
}
