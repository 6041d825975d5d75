import { MOVING_PAGE } from '../../domain/foreign-names.ts';

/** Fields that other services know, and that are not done here: what to do instead. */
export const REFUSED_FIELDS: Readonly<Record<string, string>> = {
  requestInterceptors: 'answers cannot be made up here; put the files beside the document: `files` of POST /v1/pdf',
  allowRequestPattern: 'allowed instead: rejectRequestPattern, which names what is not loaded',
};

/** The same for parameters of the query. */
export const REFUSED_PARAMETERS: Readonly<Record<string, string>> = {
  launch:
    'one browser prints for everybody, with options of its own; viewport, userAgent, cookies and options of the body are for one request',
  blockAds: 'allowed instead: rejectRequestPattern and rejectResourceTypes of the body',
  profile: 'no profile is kept; allowed instead: cookies and setExtraHTTPHeaders of the body',
  stealth: 'the browser does not hide what it is',
  proxy: 'the operator says how documents reach the network: EGRESS_PROXY',
  record: 'nothing is recorded',
};

/** The same for routes, by the last part of their paths. */
export const REFUSED_ROUTES: Readonly<Record<string, string>> = {
  function: 'runs no program of its caller; addScriptTag and waitForFunction of /pdf run scripts in the document',
  download: 'downloads nothing that a page offers; fetch it where you are',
  scrape: 'does not read pages; /content answers with the HTML of one, to be read where you are',
  unblock: 'does not hide from those who look for robots',
  performance: 'does not measure pages',
  export: 'does not save pages; /pdf and /content answer with what is there',
  map: 'does not go through sites; /content answers with the HTML of one page',
  crawl: 'does not go through sites; /content answers with the HTML of one page',
  search: 'does not search',
  'smart-scrape': 'does not read pages; /content answers with the HTML of one, to be read where you are',
  bql: 'has no language for browsers; /pdf, /screenshot and /content take JSON',
  session: 'keeps no browser for its callers; each request is a job of its own',
  sessions: 'keeps no browser for its callers; GET /v1/jobs lists the jobs of a key',
  active: 'says so at /readyz',
  pressure: 'says so at /readyz, and GET /v1/usage how much is under way',
  config: 'is set up by its operator only',
  meta: 'says so at /openapi.json',
  snapshot: 'answers one thing at a time; /content and /screenshot answer with what is in it',
  json: 'has no model that reads pages',
  'json/*': 'gives no browser to its callers; there is no WebSocket for Puppeteer or Playwright',
  links: 'does not read pages; /content answers with the HTML of one, to be read where you are',
  markdown: 'does not read pages; /content answers with the HTML of one, to be read where you are',
  accessibilityTree: 'does not read pages; options.tagged of /pdf makes an accessible PDF',
};

export const NO_WEBSOCKET = `This service gives no browser to its callers: there is no WebSocket for Puppeteer or Playwright here. POST /pdf, /screenshot and /content do what such a program does; see ${MOVING_PAGE}`;
