import { isJsonObject, type JsonObject, type Refuse, setMembers } from './json-object.ts';

/** Milliseconds of each wait whose caller does not say. */
const DEFAULT_MS = 30_000;
/** Milliseconds of all of them, at most. */
const MAX_MS = 300_000;

/** Goes through the whole document and back, so that what is loaded when it is seen is there. */
const SCROLL = `for (let step = 0; step < 200 && scrollY + innerHeight < document.documentElement.scrollHeight; step++) {
  scrollBy(0, Math.max(1, innerHeight / 2));
  await new Promise((next) => setTimeout(next, 100));
}
scrollTo(0, 0);
await new Promise((next) => setTimeout(next, 500));`;

/**
 * The waits for a function, for an event of the document and for scrolling through it, in this order, as
 * `waitForFunction` of a request. An event is heard from when the document has loaded.
 */
export function translateWaits(
  { waitForFunction: fn, waitForEvent: event, scrollPage }: JsonObject,
  refuse: Refuse,
): JsonObject {
  const isEvent = isJsonObject(event) && typeof event.event === 'string';
  if (event !== undefined && !isEvent) refuse('waitForEvent', 'allowed: an object with event, a name, and timeout');
  if (scrollPage !== undefined && typeof scrollPage !== 'boolean') refuse('scrollPage', 'allowed: true or false');
  if (!isEvent && scrollPage !== true) return fn === undefined ? {} : { waitForFunction: fn };
  const steps: string[] = [];
  let timeout = 0;
  const add = (step: string, wait: unknown) => {
    const given = isJsonObject(wait) && typeof wait.timeout === 'number' ? wait.timeout : 0;
    timeout += given || DEFAULT_MS; // 0 is no limit there, and the usual one here
    steps.push(step);
  };
  const given = isJsonObject(fn) ? setMembers(fn) : {};
  if (fn !== undefined && typeof given.fn !== 'string') return { waitForFunction: fn }; // the request says what is wrong
  if (typeof given.fn === 'string')
    add(
      `const wanted = (\n${given.fn}\n);\nif (!(await (typeof wanted === 'function' ? wanted() : wanted))) return false;`,
      fn,
    );
  if (isEvent)
    add(
      `await new Promise((heard) => document.addEventListener(${JSON.stringify(event.event)}, heard, { once: true }));`,
      event,
    );
  if (scrollPage === true) add(SCROLL, undefined);
  const whole = `async () => {\n${steps.join('\n')}\nreturn true;\n}`;
  return { waitForFunction: { ...given, fn: whole, timeout: Math.min(MAX_MS, timeout) } };
}
