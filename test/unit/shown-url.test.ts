import { describe, expect, it } from 'vitest';
import { shownUrl } from '../../src/domain/shown-url.ts';

describe('an address for logs', () => {
  it.each([
    ['https://example.com/a/b.png?token=x#y', 'https://example.com/a/b.png'],
    ['https://ann:secret@example.com:8443/?x', 'https://example.com:8443/'],
    ['HTTP://EXAMPLE.com', 'http://example.com/'],
    ['http://[::1]:80/a;b?c', 'http://[::1]/a;b'],
    ['wss://example.com/live?x', 'wss://example.com/live'],
    ['data:text/html,<p>secret', 'data:'],
    ['blob:https://example.com/x', 'blob:'],
    ['file:///etc/passwd', 'file:'],
    ['img/logo.png?v=secret#x', 'img/logo.png'],
    ['//cdn.example.com/x?secret', '//cdn.example.com/x'],
    ['x://[', 'x://['],
    ['//ann:secret@example.com/x', 'an invalid address'],
    ['http://ann:secret@[', 'an invalid address'],
    ['', ''],
  ])('%s: %s', (url, shown) => expect(shownUrl(url)).toBe(shown));
});
