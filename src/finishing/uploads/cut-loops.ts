import { LIMITS } from './limits.ts';
import { type Dict, isDict, isReference, type PdfObjects, type PdfValue } from './pdf-objects.ts';

/** Keys that lead from a node of a tree to those below it. */
const BELOW = ['/First', '/Kids', '/K'];
/** And to the next one beside it; in actions it is something else. */
const BESIDE = '/Next';

interface Node {
  dict: Dict;
  /** the object that it is in */
  owner: string;
  depth: number;
}

/**
 * Makes trees of what should be trees: bookmarks, structure, form fields, names. A link to a node that was there before,
 * or that is too deep, is cut.
 * @returns whether there was one
 */
export function cutLoops(objects: PdfObjects): boolean {
  const seen = new Set<string>();
  const nodes = rootsOf(objects);
  let isCut = false;

  const mayStay = (link: PdfValue, owner: string, depth: number): boolean => {
    if (isDict(link)) nodes.push({ dict: link, owner, depth });
    if (!isReference(link)) return true;
    const dict = objects.dict(link);
    if (!dict) return true;
    if (seen.has(link) || depth > LIMITS.depth) return false;
    seen.add(link);
    nodes.push({ dict, owner: link, depth });
    return true;
  };

  const check = ({ dict, owner, depth }: Node, key: string): void => {
    const value = dict[key];
    if (value === undefined) return;
    const below = key === BESIDE ? depth : depth + 1;
    const list = objects.list(value);
    const kept = list?.filter((link) => mayStay(link, owner, below));
    if (list ? kept?.length === list.length : mayStay(value, owner, below)) return;
    isCut = true;
    if (kept) dict[key] = kept;
    else delete dict[key];
    objects.touch(owner);
  };

  for (let node = nodes.pop(); node; node = nodes.pop()) {
    seen.add(node.owner);
    for (const key of BELOW) check(node, key);
    if (node.dict['/S'] === undefined) check(node, BESIDE);
  }
  return isCut;
}

function rootsOf(objects: PdfObjects): Node[] {
  const { catalog, catalogReference } = objects;
  const structure = objects.dict(catalog['/StructTreeRoot']);
  const form = objects.dict(catalog['/AcroForm']);
  const names = Object.values(objects.dict(catalog['/Names']) ?? {});
  const fields = form && { '/Kids': form['/Fields'] ?? [] };
  const trees = [catalog['/Outlines'], structure?.['/ParentTree'], structure?.['/IDTree'], catalog['/PageLabels'], ...names]; // prettier-ignore
  const found = [...trees, catalog['/StructTreeRoot']].flatMap((root): Node[] => {
    const dict = objects.dict(root);
    return dict ? [{ dict, owner: isReference(root) ? root : catalogReference, depth: 0 }] : [];
  });
  const formOwner = isReference(catalog['/AcroForm']) ? catalog['/AcroForm'] : catalogReference;
  return fields ? [...found, { dict: fields, owner: formOwner, depth: 0 }] : found;
}
