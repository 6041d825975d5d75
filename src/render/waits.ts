import { setTimeout as sleep } from 'node:timers/promises';
import type { Protocol } from 'puppeteer';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { type Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { isBrowserError } from './browser-error.ts';
import type { Patience } from './patience.ts';
import { addTags } from './tags.ts';
import type { WarmPage } from './warm-page.ts';

const STEP_TIMEOUT_MS = 30_000;
/** Between two tries of `waitForFunction`, as often as anybody sees a difference. */
const POLLING_MS = 50;
/** What a value is, unless it is true or false. */
const NAMED = "typeof value === 'boolean' ? value : value === null ? 'null' : typeof value";
/** Characters of an exception in messages. */
const SHOWN = 200;

/** `isOfJob`: it ends with the time of the job, and what takes so long is late rather than not there. */
interface Limit {
  deadline: Deadline;
  isOfJob: boolean;
}

/**
 * @returns a function that adds the request's tags to the document and waits as the request says; the time limits of
 * the waits start with its first call. `hasMoved`: whether the document is no longer the one to wait for
 */
export function requestedWait(
  warm: WarmPage,
  request: PrintSettings,
  patience: Patience,
): (hasMoved: () => boolean) => Promise<void> {
  const { waitForSelector: selector, waitForFunction, waitForTimeout } = request;
  const limitOf = (timeout: number | undefined): Limit => {
    const ms = timeout || STEP_TIMEOUT_MS;
    return { deadline: patience.within(ms), isOfJob: ms >= patience.deadline.remainingMs };
  };
  let limits: { selector: Limit; fn: Limit } | undefined;
  let tagged: number | undefined;
  return async (hasMoved) => {
    const { count } = warm.navigation;
    if (tagged !== count) await patience.attempt(() => addTags(warm, request, patience));
    tagged = count;
    limits ??= { selector: limitOf(selector?.timeout), fn: limitOf(waitForFunction?.timeout) };
    const { selector: selectorLimit, fn: fnLimit } = limits;
    if (selector) await patience.attempt(() => waitForSelector(warm, selector, selectorLimit));
    if (waitForFunction && !hasMoved())
      await patience.attempt(() => waitUntilTrue(warm, waitForFunction, fnLimit, hasMoved));
    if (waitForTimeout)
      await patience.attempt(() =>
        patience.deadline.race('waitForTimeout', sleep(waitForTimeout, undefined, { ref: false })),
      );
  };
}

async function waitForSelector(
  { tab: { page } }: WarmPage,
  { selector, visible = false, hidden = false }: NonNullable<PrintSettings['waitForSelector']>,
  { deadline: limit, isOfJob }: Limit,
): Promise<void> {
  try {
    // waitForSelector waits in vain for an invalid selector; a single query fails.
    await limit.race('waitForSelector', page.$(selector));
    await limit.race('waitForSelector', page.waitForSelector(selector, { visible, hidden, timeout: 0 }));
  } catch (error) {
    if (error instanceof DeadlineExceeded && !isOfJob)
      throw new CodedError(
        'selector_not_found',
        `waitForSelector.selector: it did not ${hidden ? 'disappear' : 'appear'} within ${error.limitMs} ms`,
        { cause: error },
      );
    if (isBrowserError(error, 'invalid selector'))
      throw new CodedError('selector_not_found', 'waitForSelector.selector: it is not a valid selector', {
        cause: error,
      });
    throw error;
  }
}

/** Tries it again and again from here, so that a document cannot keep it from being tried. */
async function waitUntilTrue(
  { tab: { session } }: WarmPage,
  { fn, polling, strict = false }: NonNullable<PrintSettings['waitForFunction']>,
  { deadline: limit, isOfJob }: Limit,
  hasMoved: () => boolean,
): Promise<void> {
  // On lines of its own, as it may end with a comment.
  const value = `(async () => {\nconst found = (\n${fn}\n);\nreturn await (typeof found === 'function' ? found() : found) })()`;
  const expression = `${value}.then((value) => ${strict ? NAMED : 'Boolean(value)'})`;
  const everyMs = typeof polling === 'number' ? polling : POLLING_MS;
  let thrown = '';
  try {
    while (!hasMoved()) {
      // Without the timeout a loop without an end would go on in the page.
      const evaluating = session.send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        timeout: limit.remainingMs,
      });
      const { result, exceptionDetails } = await limit.race('waitForFunction', evaluating);
      if (exceptionDetails && isUnreadable(exceptionDetails)) throw failed(textOf(exceptionDetails));
      if (result.value === true) return;
      thrown = exceptionDetails ? `; it threw ${textOf(exceptionDetails)}` : '';
      if (strict && exceptionDetails) throw failed(`it threw ${textOf(exceptionDetails)}`);
      if (strict && typeof result.value === 'string') throw failed(`it is ${result.value}; allowed: true or false`);
      await limit.race('waitForFunction', sleep(everyMs, undefined, { ref: false }));
    }
  } catch (error) {
    if (isBrowserError(error, 'terminated'))
      await limit.race('waitForFunction', new Promise(() => undefined)).catch(fail);
    fail(error);
  }

  function fail(error: unknown): never {
    if (!(error instanceof DeadlineExceeded) || isOfJob) throw error;
    const message = `waitForFunction.fn: it did not become true within ${error.limitMs} ms${thrown}`;
    throw new CodedError('function_not_true', message, { cause: error });
  }
}

const failed = (what: string) => new CodedError('function_failed', `waitForFunction.fn: ${what}`);

/** Whether it is no JavaScript: an exception of the function itself comes with the place where it was thrown. */
function isUnreadable({ exception, stackTrace }: Protocol.Runtime.ExceptionDetails): boolean {
  return exception?.className === 'SyntaxError' && (stackTrace?.callFrames.length ?? 0) === 0;
}

function textOf({ exception, text }: Protocol.Runtime.ExceptionDetails): string {
  const [shown = text] = (exception?.description ?? String(exception?.value ?? text)).split('\n');
  return shown.slice(0, SHOWN);
}
