import { OperatorError } from '../kernel/errors.ts';

/** A declaration after these bytes does not count. */
const PRESCAN_BYTES = 1024;

/** Encodings that a document cannot declare, with what replaces them (WHATWG HTML, 13.2.3.2). */
const REPLACEMENTS: Record<string, string> = {
  'utf-16le': 'utf-8',
  'utf-16be': 'utf-8',
  'x-user-defined': 'windows-1252',
};

/**
 * The encoding of an HTML file: that of its byte order mark, the one declared in its first 1024 bytes, or UTF-8. Not by
 * a library: those ignore an unknown encoding, which here is an error.
 * @throws OperatorError if the encoding is unknown or the bytes are not valid in it
 */
export function htmlEncoding(bytes: Uint8Array): string {
  const { label, isDeclared } = sniff(bytes);
  const decoder = decoderOf(label);
  if (!decoder) throw new OperatorError(`it declares the encoding ${label}, which does not exist on the web`);
  try {
    decoder.decode(bytes);
  } catch (error) {
    const hint = isDeclared ? '' : ', and declares no other encoding, such as <meta charset="windows-1252">';
    throw new OperatorError(`it is not valid ${decoder.encoding}${hint}`, { cause: error });
  }
  return decoder.encoding;
}

/** The text of an HTML file, without a byte order mark. @throws OperatorError like {@link htmlEncoding} */
export function decodeHtml(bytes: Uint8Array): string {
  return new TextDecoder(htmlEncoding(bytes)).decode(bytes);
}

function decoderOf(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    return undefined;
  }
}

function sniff(bytes: Uint8Array): { label: string; isDeclared: boolean } {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return { label: 'utf-8', isDeclared: true };
  if (first === 0xfe && second === 0xff) return { label: 'utf-16be', isDeclared: true };
  if (first === 0xff && second === 0xfe) return { label: 'utf-16le', isDeclared: true };
  const declared = declaredIn(Buffer.from(bytes.subarray(0, PRESCAN_BYTES)).toString('latin1'));
  if (declared === undefined) return { label: 'utf-8', isDeclared: false };
  return { label: REPLACEMENTS[decoderOf(declared)?.encoding ?? declared] ?? declared, isDeclared: true };
}

const ATTRIBUTE = /([^\s=>"'/]+)(?:\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;

/** The encoding that a meta element declares, outside comments. */
function declaredIn(start: string): string | undefined {
  for (const [, inside = ''] of start.replaceAll(/<!--[^]*?(?:-->|$)/g, '').matchAll(/<meta[\s/]([^>]*)/gi)) {
    const attributes = new Map<string, string>();
    for (const [, name = '', quoted, single, bare] of inside.matchAll(ATTRIBUTE))
      attributes.set(name.toLowerCase(), (quoted ?? single ?? bare ?? '').trim());
    const isType = attributes.get('http-equiv')?.toLowerCase() === 'content-type';
    const ofType = isType
      ? /charset\s{0,9}=\s{0,9}["']?([^\s"';]+)/i.exec(attributes.get('content') ?? '')?.[1]
      : undefined;
    const label = attributes.get('charset') ?? ofType;
    if (label) return label.replace(/\/$/, '').toLowerCase();
  }
  return undefined;
}
