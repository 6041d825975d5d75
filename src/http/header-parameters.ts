import { isUtf8 } from 'node:buffer';

/** A header such as `form-data; name="a"; filename="b.png"`. */
export interface ParameterHeader {
  /** lower case */
  value: string;
  /** by lower-case names; one of RFC 8187 (`filename*`) replaces the plain one */
  parameters: ReadonlyMap<string, string>;
}

const VALUE = /^\s*([!#$%&'*+.^`|~\w/-]{1,200})\s*/;
const PARAMETER = /\s*;\s*(?:([!#$%&'*+.^`|~\w-]{1,200})=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?/y;

/**
 * Reads a header with parameters.
 * @param text a character for each byte; the bytes are UTF-8
 * @returns undefined if it is malformed, not UTF-8, or has a parameter twice
 */
export function headerParameters(text: string): ParameterHeader | undefined {
  const bytes = Buffer.from(text, 'latin1');
  if (!isUtf8(bytes)) return undefined;
  const header = bytes.toString('utf8').trimEnd();
  const value = VALUE.exec(header)?.[0];
  if (value === undefined) return undefined;
  const plain = new Map<string, string>();
  const extended = new Map<string, string>();
  for (let at = value.length; at < header.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(header);
    if (!match) return undefined;
    const [, name = '', quoted, bare = ''] = match;
    if (name === '') continue; // nothing between two semicolons
    const key = name.toLowerCase();
    const isExtended = key.endsWith('*');
    const target = isExtended ? extended : plain;
    const shortKey = isExtended ? key.slice(0, -1) : key;
    const content = isExtended ? decoded(quoted ?? bare) : (quoted?.replaceAll(/\\(["\\])/g, '$1') ?? bare);
    if (content === undefined || target.has(shortKey)) return undefined;
    target.set(shortKey, content);
  }
  return { value: value.trim().toLowerCase(), parameters: new Map([...plain, ...extended]) };
}

/** RFC 8187: `UTF-8''%c3%a4.png`. */
function decoded(text: string): string | undefined {
  const [, charset, encoded = ''] = /^(utf-8|iso-8859-1)'[\w-]{0,20}'(.*)$/i.exec(text) ?? [];
  if (charset === undefined) return undefined;
  try {
    if (charset.toLowerCase() === 'utf-8') return decodeURIComponent(encoded);
    return encoded.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  } catch {
    return undefined;
  }
}
