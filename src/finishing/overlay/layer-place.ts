import { type Layer, points } from '../../domain/layer.ts';

/** Where a page of another PDF is put on a page; lengths are points. */
export interface LayerPlace {
  position: string;
  margin: number;
  /** to the right, and down */
  x: number;
  y: number;
  rotate: NonNullable<Layer['rotate']>;
  /** of its own size */
  scale?: number | undefined;
  /** share of the page into which it fits, before it is turned */
  fit?: number | undefined;
}

/** As large as it fits, in the middle, if the layer says nothing else. */
export function placeOf({ position = 'center', margin = 0, offset, rotate = 0, scale, fit }: Layer): LayerPlace {
  const { x = 0, y = 0 } = offset ?? {};
  return { position, margin: points(margin), x: points(x), y: points(y), rotate, scale, fit };
}
