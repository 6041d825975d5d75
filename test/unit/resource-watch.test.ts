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
  before.explain(event);
  expect(before.failures).toEqual(explained);

  const after = new ResourceWatch();
  after.explain(event);
  after.failed(URL_OF_FONT, event.errorText, event.requestId);
  after.failed('https://example.com/other', event.errorText, '8');
  expect(after.failures).toEqual([...explained, { url: 'https://example.com/other', reason: 'ERR_FAILED' }]);
});
