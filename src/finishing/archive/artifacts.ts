import { eachOperation, type Operation } from './content-operations.ts';

/** What a content stream needs to know of the resources that it names. */
export interface ContentResources {
  /** whether a property list has an MCID */
  hasMcid(propertyList: string): boolean;
  /** whether an XObject is a form with tagged content of its own */
  isTagged(xObject: string): boolean;
}

export interface MarkedContent {
  /** undefined: nothing was to be changed */
  bytes: Uint8Array | undefined;
  /** whether it has content with an MCID, or forms that have */
  isTagged: boolean;
}

const OPEN = '/Artifact BMC\n';
const CLOSE = '\nEMC\n';

const TEXTS = ['Tj', 'TJ', "'", '"'];
const PATHS = ['m', 're', 'l', 'c', 'v', 'y', 'h', 'f', 'F', 'f*', 'S', 's', 'b', 'B', 'b*', 'B*', 'n'];
const PAINTS = new Set([...TEXTS, ...PATHS, 'sh', 'BI']);
const BOUNDS = new Set(['BT', 'ET', 'EMC']);

/**
 * Marks as artifact what a content stream paints outside of tags: shadows, backgrounds, headers. An artifact begins
 * before a path, not within it, and never crosses the bounds of a text or of another mark.
 */
export function markArtifacts(bytes: Uint8Array, resources: ContentResources): MarkedContent {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const operands = ({ start, at }: Operation) => text.toString('latin1', start, at).trim();
  const pieces: Uint8Array[] = [];
  let copied = 0;
  const insert = (at: number, inserted: string) => {
    pieces.push(bytes.subarray(copied, at), Buffer.from(inserted));
    copied = at;
  };
  const marks: boolean[] = []; // whether each of those that are open counts
  let counting = 0;
  let isOpen = false;
  let isTagged = false;
  const close = (at: number) => {
    if (isOpen) insert(at, CLOSE);
    isOpen = false;
  };

  eachOperation(bytes, (operation) => {
    const { operator, start } = operation;
    if (PAINTS.has(operator)) return paint(start);
    if (operator === 'Do') {
      const isForm = resources.isTagged(operands(operation).slice(1));
      isTagged ||= isForm;
      return isForm ? close(start) : paint(start);
    }
    if (BOUNDS.has(operator)) {
      close(start);
      if (operator === 'EMC' && marks.pop()) counting--;
    } else if (operator === 'BDC' || operator === 'BMC') {
      close(start);
      const mark = operands(operation);
      const hasMcid = operator === 'BDC' && isReal(mark, resources);
      isTagged ||= hasMcid;
      const counts = hasMcid || /^\/Artifact(?![^\s<>[\]/()])/.test(mark);
      marks.push(counts);
      if (counts) counting++;
    }
  });
  close(bytes.length);

  function paint(start: number): void {
    if (counting > 0 || isOpen) return;
    insert(start, OPEN);
    isOpen = true;
  }

  if (pieces.length === 0) return { bytes: undefined, isTagged };
  pieces.push(bytes.subarray(copied));
  return { bytes: Buffer.concat(pieces), isTagged };
}

function isReal(mark: string, resources: ContentResources): boolean {
  if (mark.endsWith('>>')) return mark.includes('/MCID');
  return resources.hasMcid(mark.slice(mark.lastIndexOf('/') + 1));
}
