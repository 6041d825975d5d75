import type { Fields } from '../fields.ts';

/** What the caller calls fields of a picture. */
export const SCREENSHOT_FIELDS: Readonly<Record<string, string>> = {
  'viewport.width': 'width',
  'viewport.height': 'height',
  'viewport.deviceScaleFactor': 'deviceScaleFactor',
  'output.quality': 'quality',
  'output.selector': 'selector',
  'output.type': 'format',
};

const VIEWPORT = { width: 800, height: 600 };

/** Reads what a picture shows, in Gotenberg's order. @returns fields of a request of ours */
export function readScreenshotSettings(fields: Fields, omitBackground: boolean): Record<string, unknown> {
  const width = fields.whole('width', { min: 1 }) ?? VIEWPORT.width;
  const height = fields.whole('height', { min: 1 }) ?? VIEWPORT.height;
  const clip = fields.boolean('clip') ?? false;
  const selector = fields.text('selector');
  const type = fields.choice('format', ['png', 'jpeg', 'webp']) ?? 'png';
  const quality = fields.whole('quality', { min: 0, max: 100 }) ?? 100;
  fields.boolean('optimizeForSpeed'); // the picture is the same
  const deviceScaleFactor = fields.number('deviceScaleFactor') ?? 1;
  const shown = selector === undefined ? { fullPage: !clip } : { selector };
  return {
    viewport: { width, height, deviceScaleFactor },
    output: {
      type,
      ...shown,
      ...(type === 'jpeg' && { quality: Math.max(1, quality) }),
      ...(omitBackground && type !== 'jpeg' && { omitBackground }),
    },
  };
}
