import { oneLine } from './output.ts';

/** Bytes of a name, so that with an ending, and as a temporary one, it is allowed everywhere. */
const MAX_BYTES = 180;

/** Names that are devices on Windows, whatever their endings. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\.|$)/i;

/** Names of files in one directory, each different on every system, also where case does not count. */
export class SafeNames {
  readonly #taken = new Set<string>();

  /**
   * The same names in the same order give the same names.
   * @param name without an ending
   * @param row distinguishes it if the name is taken: `invoice-17`
   */
  nameOf(name: string, row: number): string {
    const safe = safeName(name);
    for (let at = 1; ; at++) {
      const free = at === 1 ? safe : `${safe}-${row}${at === 2 ? '' : `-${at}`}`;
      const key = free.toLowerCase();
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return free;
    }
  }
}

/** A name that is one of a file, in the directory where it is written and nowhere else. */
function safeName(text: string): string {
  let name = oneLine(text.normalize('NFC'))
    .replaceAll(/[<>:"/\\|?*]/g, '_')
    .trim()
    .replace(/^\./, '_');
  while (Buffer.byteLength(name) > MAX_BYTES) name = name.replace(/.$/su, '');
  name = name.trimEnd().replace(/\.$/, '_');
  return name === '' || DEVICE.test(name) ? `_${name}` : name;
}
