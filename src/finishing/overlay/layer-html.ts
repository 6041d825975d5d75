import { type Layer, points } from '../../domain/layer.ts';
import type { Place } from './arrange-copies.ts';

const DEFAULT_MARGIN = '10mm';
const DEFAULT_FAMILY = 'Helvetica';
/** What is taken for the fonts that every reader of PDFs knows, if the service has not themselves. */
const ALIKE: Record<string, string> = {
  helvetica: 'Arial, sans-serif',
  times: "'Times New Roman', serif",
  courier: "'Courier New', monospace",
};
const DEFAULT_FONT_SIZE = 12;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

/** The HTML of a text or an image, and where it is. @param image its URL */
export function layerHtml(layer: Layer, image?: string): { html: string; place: Place } {
  const { position = 'center', margin = DEFAULT_MARGIN, rotate = 0, offset: { x = 0, y = 0 } = {}, scale, fit } = layer;
  const place = { position, margin: points(margin), rotate, x: points(x), y: points(y), scale, fit };
  return { html: `${START}${image === undefined ? textOf(layer) : imageOf(layer, image)}`, place };
}

const START = `<!doctype html><meta charset="utf-8"><style>
.layer { position: absolute; left: 0; top: 0; display: block; white-space: pre; line-height: 1.2 }
</style>`;

function textOf({ text = '', align, ...layer }: Layer): string {
  const {
    fontSize = DEFAULT_FONT_SIZE,
    fontFamily = DEFAULT_FAMILY,
    color = '#000000',
    background,
    padding = 0,
  } = layer;
  const styles = {
    font: `${layer.italic ? 'italic ' : ''}${layer.bold ? 'bold ' : ''}${points(fontSize)}pt/1.2 '${fontFamily}', ${ALIKE[fontFamily.toLowerCase()] ?? 'sans-serif'}`,
    color,
    'text-align': align,
    background,
    padding: background === undefined ? undefined : `${points(padding)}pt`,
  };
  const style = Object.entries(styles).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `<div class="layer" dir="auto" style="${style.join('; ')}">${escaped(text)}</div>`;
}

function imageOf({ width }: Layer, url: string): string {
  const size = width === undefined ? '' : ` style="width: ${points(width)}pt; height: auto"`;
  return `<img class="layer"${size} src="${escaped(url)}">`;
}
