import { describe, expect, it } from 'vitest';
import { record } from '../../src/accounts/audit.ts';
import { createSignInLink } from '../../src/accounts/sign-in-links.ts';
import { axeViolations, openBrowser, sitDown } from '../support/browser.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

const service = await startService();
const { address, base } = service;
const [ann] = await createTenants(service, ['ann.of.a.rather.long.name@a-customer.example']);
if (!ann) throw new Error('there is no tenant');
const browser = await openBrowser();

describe.each([
  ['light', 1280, 'admin', true],
  ['dark', 375, 'admin', false],
  ['light', 375, 'console:read', true],
] as const)(
  'signing in with a link, %s, %d pixels wide, for %s, with scripts: %s',
  (scheme, width, scope, isScripted) => {
    it('leads to sessions and the audit log, which are accessible, and back out', async () => {
      const { token, userId } = await createSignInLink(base.db, { email: 'oncall@example.com', scopes: [scope] });
      await record(base.db, {
        what: 'looked at a file',
        by: { userId },
        jobId: ann.jobs.completed,
        detail: { file: 0 },
      });
      const { page, complaints, close } = await sitDown(browser, { scheme, width, isScripted });
      const check = async () => {
        if (isScripted) expect(await axeViolations(page), `at ${page.url()}`).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      };
      const press = (selector: string) => Promise.all([page.waitForNavigation(), page.click(selector)]);
      await page.goto(`${address}/console/sign-in?link=${token}`);
      await check();
      await press('main button');
      expect(new URL(page.url()).pathname).toBe('/console');
      for (const path of ['/sessions', '/sessions?show=all', '/audit', `/audit?job=${ann.jobs.completed}`]) {
        await page.goto(`${address}/console${path}`);
        await check();
      }
      await page.select('#what', 'looked at a file');
      await press('form[aria-label="Filter"] button');
      expect(new URL(page.url()).searchParams.get('what')).toBe('looked at a file');
      expect(await page.$$eval('tbody tr', (rows) => rows.length)).toBeGreaterThan(0);
      await page.goto(`${address}/console/sessions`);
      await press('main button.danger');
      expect(new URL(page.url()).pathname).toBe('/console/sign-in');
      expect(complaints).toEqual([]);
      await close();
    });
  },
);
