const STARTS: readonly (readonly [type: string, isStart: (text: string) => boolean])[] = [
  ['image/png', (text) => text.startsWith('\x89PNG\r\n\x1a\n')],
  ['image/jpeg', (text) => text.startsWith('\xff\xd8\xff')],
  ['image/webp', (text) => text.startsWith('RIFF') && text.startsWith('WEBP', 8)],
  ['image/svg+xml', (text) => /^(?:\xef\xbb\xbf)?\s*</.test(text)],
];

/** Bytes that {@link imageTypeOf} needs. */
export const IMAGE_START = 256;

/** The media type of an image that a layer may be, by how its bytes start; undefined for everything else. */
export function imageTypeOf(start: Uint8Array): string | undefined {
  const text = Buffer.from(start).toString('latin1');
  return STARTS.find(([, isStart]) => isStart(text))?.[0];
}
