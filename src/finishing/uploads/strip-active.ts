import { type Dict, isDict, isReference, type PdfObjects, type PdfValue } from './pdf-objects.ts';
import { Refusal } from './refusal.ts';

/** Actions that only lead somewhere or show something. All others are dropped. */
const HARMLESS_ACTIONS = new Set(['/GoTo', '/URI', '/Named', '/SetOCGState', '/Hide', '/ResetForm', '/Trans', '/Thread', '/GoToDp']); // prettier-ignore
const URI_SCHEMES = new Set(['http', 'https', 'mailto', 'tel', 'sms', 'ftp']);
/** Annotations that play, run or embed something. */
const ACTIVE_ANNOTATIONS = new Set(['/RichMedia', '/3D', '/Movie', '/Screen', '/Sound']);
/** Where an action, a list of them, or something else is. */
const ACTION_KEYS = new Set(['/A', '/PA', '/OpenAction', '/Next']);
/** Keys that are dropped wherever they are, and what is said of it. */
const DROPPED_KEYS: Record<string, string> = {
  '/AA': 'actions on events',
  '/JS': 'JavaScript',
  '/XFA': 'XFA',
  '/NeedsRendering': 'XFA',
  '/PieceInfo': 'private data of programs',
  '/SpiderInfo': 'private data of programs',
  '/SigFlags': 'signatures',
  '/DSS': 'signatures',
  '/Perms': 'signatures',
  '/Legal': 'signatures',
  '/RichMediaContent': 'media',
  '/3DD': 'media',
  '/OPI': 'external files',
  '/Requirements': 'requirements of a viewer',
  '/Collection': 'a portfolio',
};
/** Keys of streams whose bytes are elsewhere, or that stand for other documents. */
const EXTERNAL_KEYS = new Set(['/F', '/FFilter', '/FDecodeParms', '/Ref']);
/** Trees of names that a viewer does nothing with but look something up. */
const NAME_TREES = new Set(['/Dests', '/EmbeddedFiles', '/AP']);
/** Attached files that a double click runs. */
const PROGRAM = /\.(?:exe|com|scr|pif|bat|cmd|msi|msp|hta|cpl|js|jse|vbs|vbe|wsf|wsh|ps1|psm1|jar|lnk|reg|dll|app|command|sh|desktop|iso|img|vhd)$/i; // prettier-ignore

const DROPPED = Symbol('dropped');

/**
 * Takes out of a PDF whatever runs, plays, opens or sends something, or is somewhere else.
 * @returns what was dropped, in words
 * @throws Refusal if nothing useful would be left, or a program is attached
 */
export function stripActive(objects: PdfObjects): string[] {
  const { catalog } = objects;
  const form = objects.dict(catalog['/AcroForm']);
  if (form?.['/XFA'] !== undefined && !objects.list(form['/Fields'])?.length)
    throw new Refusal('it is an XFA form without pages of its own; allowed: a form that was saved as a plain PDF');
  const strip = new Strip(objects);
  strip.keepNameTrees();
  for (const reference of objects.references) strip.visit(reference);
  return [...strip.dropped].toSorted();
}

class Strip {
  readonly dropped = new Set<string>();
  readonly #objects: PdfObjects;

  constructor(objects: PdfObjects) {
    this.#objects = objects;
  }

  keepNameTrees(): void {
    const { catalog, catalogReference } = this.#objects;
    const names = this.#objects.dict(catalog['/Names']) ?? {};
    for (const tree of Object.keys(names)) {
      if (NAME_TREES.has(tree)) continue;
      delete names[tree];
      this.dropped.add(tree.slice(1));
      this.#objects.touch(isReference(catalog['/Names']) ? catalog['/Names'] : catalogReference);
    }
  }

  visit(reference: string): void {
    const value = this.#objects.get(reference) ?? null;
    const isStream = this.#objects.isStream(reference);
    const cleaned = isDict(value) ? this.#dict(value, { isStream }) : this.#value(value);
    if (cleaned === value) return;
    this.#objects.set(reference, cleaned === DROPPED ? null : cleaned);
  }

  /** The same value if nothing was dropped. */
  #value(value: PdfValue): PdfValue | typeof DROPPED {
    if (Array.isArray(value)) {
      const kept = value.map((each) => (this.#isActive(each) ? DROPPED : this.#value(each)));
      if (kept.every((each, index) => each === value[index])) return value;
      return kept.filter((each) => each !== DROPPED);
    }
    return isDict(value) ? this.#dict(value, {}) : value;
  }

  #dict(dict: Dict, { isStream = false }): Dict {
    const kept: Dict = {};
    let isChanged = false;
    for (const [key, value] of Object.entries(dict)) {
      const why = this.#whyDropped(key, value, isStream);
      const cleaned = why === undefined ? this.#value(value) : DROPPED;
      if (why !== undefined) this.dropped.add(why);
      if (cleaned !== DROPPED) kept[key] = cleaned;
      isChanged ||= cleaned !== value;
    }
    this.#checkName(dict);
    return isChanged ? kept : dict;
  }

  #whyDropped(key: string, value: PdfValue, isStream: boolean): string | undefined {
    const known = Object.hasOwn(DROPPED_KEYS, key) ? DROPPED_KEYS[key] : undefined;
    if (known !== undefined) return known;
    if (isStream && EXTERNAL_KEYS.has(key)) return 'external files';
    if (ACTION_KEYS.has(key)) return this.#whyActionDropped(value);
    if (key === '/V' && this.#objects.dict(value)?.['/ByteRange'] !== undefined) return 'signatures';
    if (isDict(value) && this.#isActive(value)) return 'media';
    return undefined;
  } // prettier-ignore

  #whyActionDropped(value: PdfValue): string | undefined {
    const action = this.#objects.dict(value);
    const kind = this.#objects.get(action?.['/S']);
    if (!action || kind === undefined) return undefined; // a destination, an attribute, the next bookmark
    if (typeof kind !== 'string') return 'damaged actions';
    if (!HARMLESS_ACTIONS.has(kind)) return `${kind.slice(1)} actions`;
    return kind === '/URI' && !isHarmlessUri(this.#objects.get(action['/URI'])) ? 'links to other than the web' : undefined; // prettier-ignore
  }

  /** Of annotations and actions in a list. */
  #isActive(value: PdfValue): boolean {
    const dict = this.#objects.dict(value);
    if (!dict) return false;
    const subtype = this.#objects.get(dict['/Subtype']);
    const isAnnotation = dict['/Rect'] !== undefined;
    if (isAnnotation && typeof subtype === 'string' && ACTIVE_ANNOTATIONS.has(subtype)) {
      this.dropped.add('media');
      return true;
    }
    const isAction = dict['/JS'] !== undefined || this.#objects.get(dict['/Type']) === '/Action';
    const why = isAction ? this.#whyActionDropped(value) : undefined;
    if (why !== undefined) this.dropped.add(why);
    return why !== undefined;
  }

  /** Of a file that is attached. */
  #checkName(dict: Dict): void {
    if (dict['/EF'] === undefined) return;
    for (const key of ['/F', '/UF']) {
      const name = textOf(this.#objects.get(dict[key])).trim();
      if (PROGRAM.test(name))
        throw new Refusal(`it has the attached file ${JSON.stringify(name)}; allowed: no programs`);
    }
  }
}

function isHarmlessUri(uri: PdfValue | undefined): boolean {
  const text = textOf(uri).trim();
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  if (scheme !== undefined) return URI_SCHEMES.has(scheme.toLowerCase());
  return !/^[\\/]{2}/.test(text); // a share of Windows
}

/** A string of PDF. */
function textOf(value: PdfValue | undefined): string {
  if (typeof value !== 'string') return '';
  if (value.startsWith('u:')) return value.slice(2);
  return value.startsWith('b:') ? Buffer.from(value.slice(2), 'hex').toString('latin1') : '';
}
