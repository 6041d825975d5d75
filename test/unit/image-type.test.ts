import { expect, it } from 'vitest';
import { imageTypeOf } from '../../src/finishing/overlay/image-type.ts';

it.each([
  ['\x89PNG\r\n\x1a\nx', 'image/png'],
  ['\x89PNG\n\x1a\n', undefined],
  ['\xff\xd8\xff\xe0', 'image/jpeg'],
  ['RIFF\x10\0\0\0WEBPVP8 ', 'image/webp'],
  ['RIFF\x10\0\0\0WAVEfmt ', undefined],
  ['<svg/>', 'image/svg+xml'],
  ['\xef\xbb\xbf\r\n <?xml version="1.0"?>', 'image/svg+xml'],
  ['GIF89a', undefined],
  ['no picture', undefined],
  ['', undefined],
])('%j', (start, type) => {
  expect(imageTypeOf(Buffer.from(start, 'latin1'))).toBe(type);
});
