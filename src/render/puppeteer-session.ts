import type { CDPSession, Page } from 'puppeteer';

/**
 * Puppeteer's own session of a page, which gets its events in any case: another session would cost each document a round
 * trip. Puppeteer has it, but does not declare it.
 */
export function sessionOfPuppeteer(page: Page): CDPSession {
  return (page as Page & { _client(): CDPSession })._client();
}
