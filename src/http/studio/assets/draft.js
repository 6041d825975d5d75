// The files of a template as they are in the editor, beside those that are saved.

/**
 * A file: a text, with its id if it is stored as it is; or anything else, which is stored.
 * @typedef {{ text: string, id?: string } | { id: string, size: number, type: string }} Entry
 */

const TEXT = /\.(html?|liquid|md|css|json|m?js|svg|txt|xml|csv)$/i;
/** Bytes; a larger text is not edited here. */
const EDITABLE_BYTES = 500_000;

export const isText = (path, size = 0) => TEXT.test(path) && size <= EDITABLE_BYTES;

const isSame = (a, b) =>
  a !== undefined && b !== undefined && (a.text === undefined ? a.id === b.id : a.text === b.text);

export class Draft {
  /** of the saved files; 0: nothing is saved yet */
  version = 0;
  /** @type {Map<string, Entry>} */
  files = new Map();
  /** @type {Map<string, Entry>} */
  saved = new Map();

  /** @param {Map<string, Entry>} files */
  load(version, files) {
    this.version = version;
    this.saved = files;
    this.files = new Map(files);
  }

  /** What is in the editor was saved as this version. */
  keep(version, files = this.files) {
    this.version = version;
    this.saved = new Map(files);
  }

  get paths() {
    return [...this.files.keys()].sort(byPlace);
  }

  text(path) {
    return this.files.get(path)?.text;
  }

  isChanged(path) {
    return !isSame(this.files.get(path), this.saved.get(path));
  }

  get hasChanges() {
    return this.files.size !== this.saved.size || [...this.files.keys()].some((path) => this.isChanged(path));
  }

  /** As the API takes files: what is stored already is sent as its id. */
  get sent() {
    return Object.fromEntries([...this.files].map(([path, entry]) => [path, entry.id ?? { text: entry.text }]));
  }
}

/** The entry first, then files beside it, then those in folders. */
function byPlace(a, b) {
  const rank = (path) => (/^index\.(html|liquid|md)$/.test(path) ? 0 : path.includes('/') ? 2 : 1);
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}
