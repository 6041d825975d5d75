import axe from 'axe-core';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { afterAll, inject } from 'vitest';
import { findChromium } from '../../src/render/chromium-binary.ts';

/** A real browser for pages of ours, which may run as root: it is closed when the file is done. */
export async function openBrowser(): Promise<Browser> {
  const { path } = await findChromium({ chromePath: undefined, dataDir: inject('dataDir') });
  const browser = await puppeteer.launch({
    executablePath: path,
    headless: 'shell',
    pipe: true,
    args: ['--no-sandbox'],
  });
  afterAll(() => browser.close());
  return browser;
}

/** Somebody at a browser of their own. */
export interface Sitter {
  page: Page;
  /** what the browser complained of: errors, and what a policy forbade */
  complaints: string[];
  close: () => Promise<void>;
}

export async function sitDown(
  browser: Browser,
  {
    scheme = 'light',
    width = 1280,
    isScripted = true,
  }: { scheme?: 'light' | 'dark'; width?: number; isScripted?: boolean } = {},
): Promise<Sitter> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.setViewport({ width, height: 850 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.setJavaScriptEnabled(isScripted);
  return { page, complaints, close: () => context.close() };
}

/** What axe finds wrong with the page, in sentences. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run(document, { iframes: false })')) as axe.AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary}`),
  );
}
