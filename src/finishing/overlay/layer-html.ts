import { type Layer, points } from '../../domain/layer.ts';
import type { Place } from './arrange-copies.ts';

const DEFAULT_MARGIN = '10mm';
const DEFAULT_FONT_SIZE = 12;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

/** The HTML of a text or an image, and where it is. @param image its URL */
export function layerHtml(layer: Layer, image?: string): { html: string; place: Place } {
  const { position = 'center', margin = DEFAULT_MARGIN, rotate = 0 } = layer;
  const place = { position, margin: points(margin), rotate };
  return { html: `${START}${image === undefined ? textOf(layer) : imageOf(layer, image)}`, place };
}

const START = `<!doctype html><meta charset="utf-8"><style>
.layer { position: absolute; left: 0; top: 0; display: block; white-space: pre; line-height: 1.2; font-family: Helvetica, Arial, sans-serif }
</style>`;

function textOf({ text = '', fontSize = DEFAULT_FONT_SIZE, color = '#000000' }: Layer): string {
  return `<div class="layer" dir="auto" style="font-size: ${points(fontSize)}pt; color: ${color}">${escaped(text)}</div>`;
}

function imageOf({ width }: Layer, url: string): string {
  const size = width === undefined ? '' : ` style="width: ${points(width)}pt; height: auto"`;
  return `<img class="layer"${size} src="${escaped(url)}">`;
}
