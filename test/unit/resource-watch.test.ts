import type { Protocol } from 'puppeteer';
import { expect, it } from 'vitest';
import { ResourceWatch } from '../../src/render/resource-watch.ts';

const URL_OF_FONT = 'https://fonts.example/f.woff2';
const event = {
  requestId: '7',
  timestamp: 0,
  type: 'Font',
  errorText: 'net::ERR_FAILED',
  corsErrorStatus: { corsError: 'MissingAllowOriginHeader', failedParameter: '' },
} as const;
const explained = [{ url: URL_OF_FONT, reason: 'cors: the server did not send Access-Control-Allow-Origin' }];

it('a failure is explained, whether it is reported before its explanation or after it', () => {
  const before = new ResourceWatch();
  before.failed(URL_OF_FONT, event.errorText, event.requestId);
  before.failures.explain(event);
  expect(before.failures.list).toEqual(explained);

  const after = new ResourceWatch();
  after.failures.explain(event);
  after.failed(URL_OF_FONT, event.errorText, event.requestId);
  after.failed('https://example.com/other', event.errorText, '8');
  expect(after.failures.list).toEqual([...explained, { url: 'https://example.com/other', reason: 'ERR_FAILED' }]);
});

it('an answer that is kept from the page has its status, whether that comes before or after', () => {
  const answer = { requestId: '9', statusCode: 404 } as Protocol.Network.ResponseReceivedExtraInfoEvent;
  const expected = [{ url: 'https://example.com/a.png', reason: 'status 404' }];
  for (const place of ['before', 'after']) {
    const { failures } = new ResourceWatch();
    failures.failsJob = ({ status }) => status === 404;
    if (place === 'before') failures.sawStatus(answer);
    failures.failed('https://example.com/a.png?b', 'net::ERR_BLOCKED_BY_ORB', '9');
    if (place === 'after') failures.sawStatus(answer);
    expect([failures.list, failures.failing]).toEqual([expected, ['https://example.com/a.png - 404 Not Found']]);
  }
});

it('nothing of a document that asks for everything is kept without a bound', () => {
  const { failures } = new ResourceWatch();
  failures.failsJob = () => true;
  for (let n = 0; n < 30_000; n++) {
    failures.failed(`https://example.com/${n}`, 'x', `a${n}`);
    failures.answered(`https://example.com/${n}`, 200);
  }
  expect([failures.list.length, failures.failing.length]).toEqual([10_000, 10_000]);
});
