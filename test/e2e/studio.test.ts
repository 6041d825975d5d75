/** @module-tag long */

import type { Page } from 'puppeteer';
import { describe, expect, it } from 'vitest';
import { axeViolations, openBrowser, type Sitter, sitDown } from '../support/browser.ts';
import { readPdf } from '../support/pdf.ts';
import { startService } from '../support/service.ts';

const service = await startService({ worker: true });
const { address, key, request } = service;
const browser = await openBrowser();

const WAIT = { timeout: 60_000 };

/** Does what leads to another page, and waits for that. */
const onto = async (page: Page, act: () => Promise<unknown>) =>
  void (await Promise.all([page.waitForNavigation(), act()]));

async function signIn(page: Page, which = key): Promise<void> {
  await page.goto(`${address}/studio`);
  await page.type('#key', which);
  await onto(page, () => page.click('main button'));
  await page.waitForSelector('#list[aria-busy=false]', WAIT);
}

/** Creates a template by the form, and waits for its first PDF. */
async function begin(page: Page, name: string): Promise<void> {
  await page.type('#name', name);
  await onto(page, () => page.click('#new button'));
  await page.waitForSelector('#result-state[data-job]', WAIT);
}

const textOf = (page: Page, selector: string) => page.$eval(selector, ({ textContent }) => textContent?.trim() ?? '');
const says = (page: Page, selector: string, text: string) =>
  page.waitForFunction(
    `document.querySelector(${JSON.stringify(selector)}).textContent.includes(${JSON.stringify(text)})`,
    WAIT,
  );
const press = async (page: Page, key: 's' | 'Enter') => {
  await page.keyboard.down('Control');
  await page.keyboard.press(key);
  await page.keyboard.up('Control');
};

/** The text of the PDF that is shown. */
async function shown(page: Page): Promise<string> {
  const path = await page.$eval('#open', (link) => link.getAttribute('href') ?? '');
  const base64 = (await page.evaluate(
    `fetch(${JSON.stringify(path)}).then(async (response) => (new Uint8Array(await response.arrayBuffer())).toBase64())`,
  )) as string;
  return (await readPdf(Buffer.from(base64, 'base64'))).text.join('\n');
}

/** Waits until another PDF than that of `jobId` is shown. */
const isPrintedAgain = (page: Page, jobId: string) =>
  page.waitForFunction(`document.querySelector('#result-state').dataset.job !== ${JSON.stringify(jobId)}`, {
    ...WAIT,
    polling: 'mutation',
  });
const jobShown = (page: Page) => page.$eval('#result-state', (state) => state.getAttribute('data-job') ?? '');

/** To the end of the line, which may go over several rows. */
async function pressEnd(page: Page): Promise<void> {
  await page.keyboard.press('End');
  await page.keyboard.press('End');
}

/** Puts the cursor at the end of a line. */
async function goToLine(page: Page, text: string): Promise<void> {
  const lines = await page.$$eval('.cm-line', (all) => all.map(({ textContent }) => textContent ?? ''));
  await page.click(`.cm-line:nth-child(${lines.findIndex((line) => line.includes(text)) + 1})`);
  await pressEnd(page);
}

async function openFile(page: Page, path: string): Promise<void> {
  await page.click(`.file[title=${JSON.stringify(path)}]`);
  expect(await textOf(page, '#file')).toBe(path);
}

describe('the studio, in a browser', () => {
  it('shows what is typed, says what is broken and where, saves versions, prints them, and goes back', async ({
    annotate,
  }) => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    await begin(page, 'invoice');
    expect(await shown(page)).toContain('Ada Lovelace');
    expect(await textOf(page, '#state')).toBe('Not saved yet');

    // types
    const times: number[] = [];
    await goToLine(page, '<p class="note">');
    for (const word of ['one', 'two', 'three']) {
      const before = await jobShown(page);
      await page.keyboard.type(`<b>${word}`);
      const pausedAt = performance.now();
      await isPrintedAgain(page, before);
      times.push(performance.now() - pausedAt);
      await pressEnd(page);
      expect(await shown(page)).toContain(word);
    }
    await annotate(`from a pause in typing to the PDF: ${times.map((ms) => Math.round(ms)).join(', ')} ms`);

    // saves
    await press(page, 's');
    await says(page, '#state', 'Saved as invoice@1');
    expect(await page.$eval('#save', (button) => button.hasAttribute('disabled'))).toBe(true);

    // breaks
    const good = await shown(page);
    await goToLine(page, 'customer.name');
    await page.keyboard.type('{% if open %}');
    await says(page, '#problem', 'index.html, line 11');
    expect(await page.$$('.cm-lint-marker-error')).toHaveLength(1);
    expect(await page.$$eval('.file.faulty', (files) => files.map((file) => file.getAttribute('title')))).toEqual([
      'index.html',
    ]);
    expect(await shown(page)).toBe(good); // the last one that could be printed

    // mends
    let before = await jobShown(page);
    await page.keyboard.type('{{ customer.city | upcase }}{% endif %}');
    await isPrintedAgain(page, before);
    expect(await textOf(page, '#problem')).toBe('');
    await press(page, 's');
    await says(page, '#state', 'Saved as invoice@2');

    // the data too
    await openFile(page, 'data.json');
    await goToLine(page, '"number"');
    await page.keyboard.type('x');
    await says(page, '#problem', 'data.json, line 2');
    before = await jobShown(page);
    await page.keyboard.press('Backspace');
    await isPrintedAgain(page, before);
    await goToLine(page, '"number"');
    before = await jobShown(page);
    await page.keyboard.type('"open": true,');
    await isPrintedAgain(page, before);
    expect(await shown(page)).toContain('LONDON');

    await goToLine(page, '"total"');
    await page.keyboard.type('"total": "a lot",');
    await says(page, '#problem', 'data.json');
    before = await jobShown(page);
    for (let turn = 0; turn < '"total": "a lot",'.length; turn++) await page.keyboard.press('Backspace');
    await isPrintedAgain(page, before);

    // and how the page is printed
    before = await jobShown(page);
    await page.select('#format', 'a5');
    await isPrintedAgain(page, before);
    await press(page, 's');
    await says(page, '#state', 'Saved as invoice@3');

    // prints
    await page.keyboard.press('Escape');
    await press(page, 'Enter');
    await page.waitForSelector('#download', WAIT);
    const jobId = /jobs\/([\w-]+)\//.exec(
      await page.$eval('#download', (link) => link.getAttribute('href') ?? ''),
    )?.[1];
    const job = (await (await request(`/v1/jobs/${jobId}`)).json()) as object;
    expect(job).toMatchObject({ status: 'completed', templates: ['invoice@3'] });
    const pdf = await readPdf(await (await request(`/v1/jobs/${jobId}/pdf`)).arrayBuffer());
    expect([pdf.text.join('\n').includes('LONDON'), pdf.size[0]]).toEqual([true, 420]);

    // compares, and goes back
    await page.click('#versions');
    await page.waitForSelector('.change', WAIT);
    await page.select('#old', '1');
    await says(page, '.changes', 'index.html');
    expect(await page.$$eval('.change', (all) => all.map((each) => each.getAttribute('aria-label')))).toEqual([
      'data.json, changed',
      'index.html, changed',
      'template.json, changed',
    ]);
    expect(await textOf(page, '.change .cm-insertedLine, .change .cm-changedLine')).not.toBe('');
    await page.click('.compared button');
    await says(page, '#state', 'Version 1 is in the editor');
    await press(page, 's');
    await says(page, '#state', 'Saved as invoice@4');
    const [first, last] = (await Promise.all(
      [1, 4].map(async (version) => (await request(`/v1/templates/invoice@${version}`)).json()),
    )) as { files: object }[];
    expect(last?.files).toEqual(first?.files);

    // the request to copy
    await page.click('#copy');
    expect(await textOf(page, 'pre')).toContain('"template": "invoice@4"');
    await page.keyboard.press('Escape');
    // Browsers report each answer that is an error: a job may have failed before its request is answered.
    expect(complaints.filter((text) => !text.includes('422'))).toEqual([]);
    await close();
  }, 240_000);

  it('asks before changes are lost, and deletes when that is wanted', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    await begin(page, 'leaving');
    await press(page, 's');
    await says(page, '#state', 'Saved as leaving@1');
    await goToLine(page, '<body>');
    await page.keyboard.type('x');
    let asked = 0;
    page.on('dialog', (dialog) => {
      asked++;
      void dialog.accept();
    });
    await onto(page, () => page.click('.brand a'));
    expect(asked).toBe(1);
    await page.goto(`${address}/studio/templates/leaving`);
    await page.waitForSelector('body[data-ready]', WAIT);
    expect(await textOf(page, '.cm-content')).not.toContain('<body>x');
    await goToLine(page, '<body>');
    await page.keyboard.type('y');
    await page.click('#versions');
    await page.waitForSelector('.change', WAIT);
    const compared = await page.$$eval('.compared select', (all) => all.map((each) => each.value));
    expect(compared).toEqual(['1', '']);
    await page.keyboard.press('Escape');
    await page.click('#delete');
    await onto(page, () => page.click('dialog .danger'));
    expect((await request('/v1/templates/leaving')).status).toBe(404);
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  it('has files that are added, renamed, uploaded and removed', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    await begin(page, 'files');
    const paths = () => page.$$eval('.file', (files) => files.map((file) => file.getAttribute('title')));
    const answer = async (path: string) => {
      await page.$eval('#answer', (input) => ((input as unknown as { value: string }).value = ''));
      await page.type('#answer', path);
      await page.keyboard.press('Enter');
    };
    await page.click('#add');
    await answer('../evil.html');
    await says(page, '#dialog', 'begins with a dot');
    await answer('locales/de.json');
    await page.waitForSelector('.file[title="locales/de.json"]', WAIT);
    await page.click('#rename');
    await answer('locales/fr.json');
    await page.waitForSelector('.file[title="locales/fr.json"]', WAIT);
    const input = await page.$('input#upload-input');
    await input?.uploadFile(new URL('../../src/http/console/assets/icon.svg', import.meta.url).pathname);
    await page.waitForSelector('.file[title="icon.svg"]', WAIT);
    await openFile(page, 'style.css');
    await page.click('#remove');
    await press(page, 's');
    await says(page, '#state', 'Saved as files@1');
    expect(await paths()).toEqual([
      'index.html',
      'data.json',
      'icon.svg',
      'schema.json',
      'template.json',
      'locales/fr.json',
    ]);
    const saved = (await (await request('/v1/templates/files')).json()) as { files: object };
    expect(new Set(Object.keys(saved.files))).toEqual(new Set(await paths()));
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  it('works by keyboard: Tab indents, Escape and Tab leave the editor', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    await begin(page, 'keys');
    const focused = () =>
      page.evaluate(`document.activeElement.closest('.cm-editor') ? 'editor' : document.activeElement.id`);
    await goToLine(page, '<body>');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('editor');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await focused()).not.toBe('editor');
    for (let presses = 0; (await focused()) !== 'save'; presses++) {
      expect(presses).toBeLessThan(40);
      await page.keyboard.down('Shift');
      if ((await focused()) === 'editor') await page.keyboard.press('Escape');
      await page.keyboard.press('Tab');
      await page.keyboard.up('Shift');
    }
    const outline = await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`);
    expect(outline).toMatch(/^(solid|auto)$/);
    await page.keyboard.press('Enter');
    await says(page, '#state', 'Saved as keys@1');
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  it('has a text field where the editor cannot be loaded', async () => {
    const { page, close } = await sitDown(browser);
    await page.setRequestInterception(true);
    page.on('request', (sent) => void (sent.url().includes('/studio/modules/') ? sent.abort() : sent.continue()));
    await signIn(page);
    await begin(page, 'plain');
    await page.focus('#editor textarea');
    const before = await jobShown(page);
    await page.keyboard.type('Typed into a text field. ');
    await isPrintedAgain(page, before);
    expect(await shown(page)).toContain('Typed into a text field.');
    await press(page, 's');
    await says(page, '#state', 'Saved as plain@1');
    await close();
  }, 120_000);

  it('never shows an old PDF after a newer one, and prints one at a time', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    await begin(page, 'order');
    let underWay = 0;
    let most = 0;
    page.on('request', (sent) => {
      if (sent.url().endsWith('/preview')) most = Math.max(most, ++underWay);
    });
    const ended = (sent: { url: () => string }) => {
      if (sent.url().endsWith('/preview')) underWay--;
    };
    page.on('requestfinished', ended);
    await goToLine(page, '<body>');
    for (let turn = 0; turn < 8; turn++) {
      await page.keyboard.type(`<p>turn${turn}</p>`);
      await pressEnd(page);
      await page.evaluate('new Promise((resolve) => setTimeout(resolve, 260))');
    }
    await page.waitForFunction(
      `document.querySelector('#result-state').textContent.startsWith('printed') && !document.querySelector('#result-state.busy')`,
      WAIT,
    );
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 600))');
    expect(await shown(page)).toContain('turn7');
    expect(most).toBe(1);
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  it('keeps what was typed when the session ends', async () => {
    const { page, close } = await sitDown(browser);
    await signIn(page);
    await begin(page, 'signed-out');
    await service.sql`delete from pdfprompt_console_session`;
    await goToLine(page, '<body>');
    await page.keyboard.type('kept');
    await says(page, '#problem', 'You are signed out');
    expect(await textOf(page, '.cm-content')).toContain('kept');
    await close();
  }, 120_000);
});

describe.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 375],
  ['dark', 375],
] as const)('the studio, %s, %d pixels wide', (scheme, width) => {
  const check = async ({ page, complaints }: Sitter, what: string) => {
    expect(await axeViolations(page), `at ${what}`).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), `at ${what}`).toBeLessThanOrEqual(
      0,
    );
    expect(
      complaints.filter((text) => !text.includes('422')),
      `at ${what}`,
    ).toEqual([]);
  };

  it('is accessible as far as axe knows, and not wider than the screen', async () => {
    const sitter = await sitDown(browser, { scheme, width });
    const { page, close } = sitter;
    await page.goto(`${address}/studio/sign-in`);
    await check(sitter, 'signing in');
    await signIn(page);
    await check(sitter, 'the list');
    await begin(page, `axe-${scheme}-${width}`);
    await check(sitter, 'a new template');
    await press(page, 's');
    await says(page, '#state', 'Saved as');
    await goToLine(page, '<h1>');
    await page.keyboard.type('{% if open %}');
    await says(page, '#problem', 'index.html, line');
    await check(sitter, 'an error');
    if (width < 960) {
      await page.click('[data-view=pdf]');
      await check(sitter, 'the PDF');
      await page.click('[data-view=source]');
    }
    for (const id of ['versions', 'copy', 'add', 'delete']) {
      await page.click(`#${id}`);
      await page.waitForSelector(id === 'versions' ? '.change .cm-editor' : 'dialog[open]', WAIT);
      await check(sitter, id);
      await page.keyboard.press('Escape');
    }
    await close();
  }, 180_000);
});
