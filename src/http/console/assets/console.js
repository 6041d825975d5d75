// Refreshes the live parts of a page: fetches each as HTML while the page is visible, when the server says that a job
// has ended, and every few seconds. Shows times in the time zone of the browser. Everything else works without this
// file.

const EVERY_MS = 3_000;
/** While the server says when something has changed. */
const EVERY_MS_WITH_EVENTS = 5_000;
/** Between two refreshes, at least. */
const PAUSE_MS = 1_000;
const AFTER_FAILURE_MS = 10_000;

const parts = [...document.querySelectorAll('[data-live]')];
const switcher = document.querySelector('#live-switch');
const text = document.querySelector('#live-text');
const shown = new WeakMap();
let isOn = true;
let timer;
let events;
let hasChanged = false;
let shownAt = -Infinity;
let controller = new AbortController();

/** @returns false if the whole page is being reloaded */
async function refresh(part, signal) {
  const response = await fetch(part.dataset.live, { signal, cache: 'no-store' });
  const hasChanged = part.dataset.state !== undefined && response.headers.get('x-console-state') !== part.dataset.state;
  if (response.status === 401 || (response.ok && hasChanged)) {
    location.reload();
    return false;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  const html = await response.text();
  if (signal.aborted || html === shown.get(part) || isInUse(part)) return true;
  replace(part, html);
  shown.set(part, html);
  return true;
}

/** Whether text in the part is selected: replacing it would lose the selection. */
function isInUse(part) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode);
}

/** Keeps the focus, open details and scroll positions. */
function replace(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement : undefined;
  const focus = focused?.id || (focused?.matches('summary') && `${focused.parentElement.id} > summary`);
  const open = [...part.querySelectorAll('details[open][id]')].map(({ id }) => id);
  const scrolled = [...part.querySelectorAll('.scroll[id]')].map(({ id, scrollTop, scrollLeft }) => ({
    id,
    scrollTop,
    scrollLeft,
  }));
  part.innerHTML = html;
  showTimes(part);
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  for (const { id, ...position } of scrolled) Object.assign(document.getElementById(id) ?? {}, position);
  if (focus) part.querySelector(`#${focus}`)?.focus({ preventScroll: true });
}

async function tick() {
  timer = undefined;
  hasChanged = false;
  const { signal } = controller;
  let pause = events?.readyState === EventSource.OPEN ? EVERY_MS_WITH_EVENTS : EVERY_MS;
  try {
    for (const part of parts) if (!(await refresh(part, signal))) return;
    showStatus('');
    shownAt = performance.now();
  } catch {
    if (signal.aborted) return;
    pause = AFTER_FAILURE_MS;
    showStatus('The server does not answer; the figures are out of date.');
  }
  if (!signal.aborted) timer = setTimeout(() => void tick(), hasChanged ? PAUSE_MS : pause);
}

/** Something has changed. */
function refreshSoon() {
  if (hasChanged) return;
  hasChanged = true;
  if (timer === undefined) return; // a refresh is under way, and another one follows
  clearTimeout(timer);
  const isLong = performance.now() - shownAt > PAUSE_MS;
  timer = setTimeout(() => void tick(), isLong ? 0 : PAUSE_MS);
}

function showStatus(message) {
  text.textContent = message;
  text.hidden = message === '';
}

/** Refreshes while the switch is on and the page is visible. */
function runOrRest(afterMs) {
  clearTimeout(timer);
  controller.abort();
  events?.close(); // a browser has only some connections for each server
  if (!isOn || document.hidden) return;
  controller = new AbortController();
  events = new EventSource(parts[0].dataset.events);
  events.addEventListener('changed', refreshSoon);
  timer = setTimeout(() => void tick(), afterMs);
}

if (parts.length > 0 && switcher && text) {
  switcher.hidden = false;
  switcher.addEventListener('click', () => {
    isOn = !isOn;
    switcher.setAttribute('aria-pressed', String(isOn));
    runOrRest(0);
  });
  document.addEventListener('visibilitychange', () => runOrRest(0));
  runOrRest(EVERY_MS);
}

// The server writes every time in UTC. Here it becomes the local time, and the title keeps the one in UTC.

const CLOCK = 'console-clock';
const clockText = document.querySelector('#clock-text');
const clockSwitch = document.querySelector('#clock-switch');
const two = (number) => String(number).padStart(2, '0');

/** Storage may be forbidden: then the choice holds for this page. */
function remembered() {
  try {
    return localStorage.getItem(CLOCK);
  } catch {
    return null;
  }
}
function remember(value) {
  try {
    localStorage.setItem(CLOCK, value);
  } catch {}
}
let isUtc = remembered() === 'utc';

/** The same fields of the time in UTC or here. @returns as `[2031-12-31, 23:59, 58]` */
function fieldsOf(at) {
  const here = isUtc ? at : new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  const iso = here.toISOString();
  return [iso.slice(0, 10), iso.slice(11, 16), iso.slice(17, 19)];
}

function showTimes(root) {
  const [today] = fieldsOf(new Date());
  for (const each of root.querySelectorAll('time[data-clock]')) {
    const at = new Date(each.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const [day, minutes, seconds] = fieldsOf(at);
    const isShort = each.dataset.clock === 'minutes';
    const time = isShort ? minutes : `${minutes}:${seconds}`;
    each.textContent = isShort || day === today ? time : `${day} ${time}`;
    each.title = `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  }
  for (const each of root.querySelectorAll('[data-time] > title')) {
    const [, minutes] = fieldsOf(new Date(each.parentElement.dataset.time));
    each.textContent = each.textContent.replace(/^\d\d:\d\d/, minutes);
  }
}

/** `Europe/Berlin (UTC+1)`, `America/St_Johns (UTC−3:30)`; `UTC` alone where the browser is set to it */
function zoneName() {
  const ahead = -new Date().getTimezoneOffset();
  const minutes = Math.abs(ahead) % 60;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const offset = `${ahead < 0 ? '−' : '+'}${Math.floor(Math.abs(ahead) / 60)}${minutes ? `:${two(minutes)}` : ''}`;
  if (timeZone === 'UTC') return 'UTC';
  return `${timeZone} (UTC${ahead === 0 ? '' : offset})`;
}

function showClock() {
  showTimes(document);
  clockText.textContent = isUtc ? 'Times are in UTC.' : `Times are in ${zoneName()}.`;
  clockSwitch.textContent = isUtc ? 'Show local time' : 'Show UTC';
}

if (clockText && clockSwitch) {
  clockSwitch.hidden = false;
  clockSwitch.addEventListener('click', () => {
    isUtc = !isUtc;
    remember(isUtc ? 'utc' : 'local');
    showClock();
  });
  showClock();
}

// A file without a small picture keeps its link.
for (const picture of document.querySelectorAll('.thumb img')) {
  const leave = () => picture.remove();
  if (picture.complete && picture.naturalWidth === 0 && picture.currentSrc !== '') leave();
  else picture.addEventListener('error', leave);
}
