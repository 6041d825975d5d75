import type { Sheet } from '../step.ts';
import type { LayerPlace } from './layer-place.ts';
import { after, type Matrix } from './page-geometry.ts';

/** From the points of a layer, from its lower left corner, to those of the page. */
export function placement(from: Sheet, to: Sheet, { position, margin, x, y, rotate, ...place }: LayerPlace): Matrix {
  const radians = angleOf(rotate, to);
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const share = place.fit ?? 1;
  const scale = place.scale ?? Math.min((share * to.width) / from.width, (share * to.height) / from.height);
  const width = scale * (Math.abs(cos) * from.width + Math.abs(sin) * from.height);
  const height = scale * (Math.abs(sin) * from.width + Math.abs(cos) * from.height);
  const at = (low: string, high: string, size: number, side: number) => {
    const inset = Math.min(margin, Math.max(0, side - size));
    if (position.includes(low)) return inset + size / 2;
    return position.includes(high) ? side - inset - size / 2 : side / 2;
  };
  const centre = [at('left', 'right', width, to.width) + x, at('bottom', 'top', height, to.height) - y] as const;
  const toMiddle: Matrix = [scale, 0, 0, scale, (-scale * from.width) / 2, (-scale * from.height) / 2];
  return after(toMiddle, [cos, sin, -sin, cos, ...centre]);
}

/** Against the clock, as PDF counts. */
function angleOf(rotate: LayerPlace['rotate'], { width, height }: Sheet): number {
  const diagonal = Math.atan2(height, width);
  if (typeof rotate === 'number') return (-rotate * Math.PI) / 180;
  return rotate === 'diagonal-up' ? diagonal : -diagonal;
}
