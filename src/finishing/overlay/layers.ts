import type { ResultSettings } from '../../domain/finishing.ts';
import type { Layer } from '../../domain/layer.ts';
import { pageSelectionIsOpen, selectPages } from '../../domain/page-selection.ts';
import { CodedError } from '../../kernel/errors.ts';
import { type LayerPlace, placeOf } from './layer-place.ts';
import type { FinishingJob, PrintedLayer } from '../step.ts';

/** A layer, and where the request has it: `finishing.overlay[0]`. */
export interface NamedLayer {
  layer: Layer;
  field: string;
  isUnder: boolean;
}

interface Placement {
  field: string;
  /** path of its PDF among the files of the step */
  file: string;
  isUnder: boolean;
  opacity: number;
}

/** A layer whose PDF is there. */
export type PlacedLayer = Placement &
  (
    | { source: 'printed'; pageOf: readonly (number | null)[] }
    | { source: 'pdf'; page: number | 'same'; pages: string; place: LayerPlace }
  );

export interface OverlaySettings {
  /** in the order in which they are drawn */
  layers: PlacedLayer[];
}

/** The layers of a request, in the order in which they are drawn. */
function layersOf({ finishing }: ResultSettings): NamedLayer[] {
  const named = (layers: readonly Layer[] = [], name: 'overlay' | 'underlay') =>
    layers.map((layer, index) => ({ layer, field: `finishing.${name}[${index}]`, isUnder: name === 'underlay' }));
  return [...named(finishing?.underlay, 'underlay'), ...named(finishing?.overlay, 'overlay')];
}

/** Those that the browser prints when the sizes of the pages are known. */
export const layersToPrint = (result: ResultSettings): NamedLayer[] =>
  layersOf(result).filter(({ layer }) => layer.pdf === undefined);

/** What the step is to do. @returns undefined if there are no layers */
export function overlaySettings({ result, layers = [] }: FinishingJob): OverlaySettings | undefined {
  const placed = layersOf(result).flatMap(({ layer, field, isUnder }): PlacedLayer[] => {
    const common = { field, isUnder, opacity: layer.opacity ?? 1 };
    const { pdf: file, page = 1, pages = '' } = layer;
    if (file !== undefined) return [{ ...common, source: 'pdf', file, page, pages, place: placeOf(layer) }];
    const printed = layers.find((each: PrintedLayer) => each.field === field);
    return printed ? [{ ...common, source: 'printed', file: printed.file, pageOf: printed.pageOf }] : [];
  });
  return placed.length > 0 ? { layers: placed } : undefined;
}

/**
 * The pages that get a layer, from 1, by how many pages a document has.
 * @param totals pages of each document: they differ in length, so that some may have none of them
 * @throws CodedError if it names pages and there is none of them anywhere
 */
export function pagesWith(
  { field, pages = '' }: { field: string; pages?: string | undefined },
  totals: readonly number[],
): (total: number) => number[] {
  const most = Math.max(...totals);
  if (selectPages(pages, most).length === 0 && !pageSelectionIsOpen(pages))
    throw new CodedError('finishing_invalid', `${field}.pages: ${JSON.stringify(pages)} fits no page of ${most}`);
  return (total) => selectPages(pages, total);
}
