import { MOVING_PAGE } from '../../domain/foreign-names.ts';
import type { CompatSettings } from '../route.ts';

type Service = CompatSettings['services'][number];

interface ForeignRoute {
  /** matches the path */
  path: RegExp;
  of: string;
  /** the setting that answers such routes */
  compat?: Service;
  /** what does the same here */
  ours: string;
}

const ROUTES: ForeignRoute[] = [
  { path: /^\/forms\/libreoffice\//, of: 'Gotenberg', ours: 'no route: nothing here reads office documents' },
  { path: /^\/forms\/chromium\/screenshot\//, of: 'Gotenberg', compat: 'gotenberg', ours: 'POST /v1/pdf with output' },
  { path: /^\/forms\/pdfengines\//, of: 'Gotenberg', compat: 'gotenberg', ours: 'POST /v1/pdf with pdf or parts, and finishing' },
  { path: /^\/forms\//, of: 'Gotenberg', compat: 'gotenberg', ours: 'POST /v1/pdf' },
  { path: /^\/client\/v4\/accounts\/[^/]+\/browser-rendering\//, of: 'Cloudflare', compat: 'browserless', ours: 'POST /v1/pdf' },
  { path: /^\/(?:chrome\/|chromium\/)?screenshot\/?$/, of: 'browserless', compat: 'browserless', ours: 'POST /v1/pdf with output' },
  { path: /^\/(?:chrome\/|chromium\/)?(?:pdf|content)\/?$/, of: 'browserless', compat: 'browserless', ours: 'POST /v1/pdf' },
  { path: /^\/(?:chrome\/|chromium\/)?(?:function|scrape|unblock|download|performance)\/?$/, of: 'browserless', ours: 'POST /v1/pdf with waitForFunction and addScriptTag' },
  { path: /^\/api\/report\/?$/, of: 'jsreport', ours: 'POST /v1/pdf with html, or with template and data' },
  { path: /^\/(?:docs|async_docs)(?:\.\w+)?\/?$/, of: 'DocRaptor', ours: 'POST /v1/pdf, or POST /v1/jobs for one that is not waited for' },
  { path: /^\/v\d\/convert\/pdf\/?$/, of: 'PDFShift', ours: 'POST /v1/pdf' },
  { path: /^\/(?:api\/)?(?:convert|render|generate|html2pdf|html-to-pdf|print)\/?$/, of: 'another service', ours: 'POST /v1/pdf' },
]; // prettier-ignore

/**
 * What to do instead of a request that looks like one of another service.
 * @returns undefined if it does not
 */
export function foreignRouteHint(method: string, path: string, services: readonly Service[]): string | undefined {
  if (method !== 'POST') return undefined;
  const found = ROUTES.find((route) => route.path.test(path));
  if (!found) return undefined;
  const { of, compat, ours } = found;
  const isThere = compat !== undefined && !services.includes(compat);
  const setting = isThere ? `the operator's setting COMPAT=${compat} answers it, or use ` : 'use ';
  return `a route of ${of}: ${setting}${ours}; see ${MOVING_PAGE}`;
}
