interface XmlName {
  /** without its prefix */
  name: string;
  /** the URI of its namespace; empty: none */
  namespace: string;
  /** as it is written; empty: none */
  prefix: string;
}

/** An element of XML. */
export interface XmlElement extends XmlName {
  /** without those that declare namespaces */
  attributes: (XmlName & { value: string })[];
  children: XmlElement[];
  /** its own, without that of its children */
  text: string;
}

/** Not well-formed, or not allowed here. */
export class XmlInvalid extends Error {
  override name = 'XmlInvalid';
}

const MAX_DEPTH = 100;
/** Each element that declares one has a list of its own. */
const MAX_PREFIXES = 100;
const XML = 'http://www.w3.org/XML/1998/namespace';
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{N}\p{M}._\u00b7-]*(?::[\p{L}\p{Nl}_][\p{L}\p{N}\p{M}._\u00b7-]*)?/uy;
// oxlint-disable-next-line no-control-regex -- XML does not allow them
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const DECLARATION =
  /^<\?xml\s+version\s*=\s*["']1\.\d["'](?:\s+encoding\s*=\s*["']([\w.-]{1,40})["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>/;
const SPACE = /[ \t\r\n]*/y;

/**
 * Reads XML 1.0 in UTF-8, or that was decoded already, with namespaces, in linear time. It has no document type: that is where entities that expand
 * come from, and files that are read.
 * @throws XmlInvalid with the line
 */
export function parseXml(xml: Uint8Array | string): XmlElement {
  if (typeof xml === 'string') return new Reader(xml).document();
  return new Reader(decode(xml)).document('UTF-8');
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new XmlInvalid('it is not UTF-8');
  }
}

interface Open {
  element: XmlElement;
  /** as it is written */
  tag: string;
  prefixes: Map<string, string>;
}

class Reader {
  readonly #text: string;
  readonly #open: Open[] = [];
  #root: XmlElement | undefined;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param encoding that it may declare; default: any */
  document(encoding?: string): XmlElement {
    const declaration = DECLARATION.exec(this.#text.slice(0, 200));
    if (declaration) this.#at = declaration[0].length;
    const declared = declaration?.[1]?.toUpperCase();
    if (encoding && declared && declared !== encoding) this.#fail(`the encoding is not ${encoding}`);
    const forbidden = FORBIDDEN.exec(this.#text);
    if (forbidden) this.#fail('a control character', forbidden.index);
    while (this.#at < this.#text.length) {
      if (this.#text[this.#at] !== '<') this.#characters();
      else if (this.#takes('<!--')) this.#until('-->', 'a comment');
      else if (this.#takes('<![CDATA[')) this.#addText(this.#until(']]>', 'CDATA'));
      else if (this.#takes('<!')) this.#fail('a document type, which is not allowed', this.#at - 2);
      else if (this.#takes('<?')) this.#instruction();
      else if (this.#takes('</')) this.#close();
      else this.#element();
    }
    const unclosed = this.#open.at(-1);
    if (unclosed) this.#fail(`<${unclosed.tag}> is not closed`);
    return this.#root ?? this.#fail('there is no element');
  }

  #instruction(): void {
    const target = this.#name();
    if (target.toLowerCase() === 'xml') this.#fail('an XML declaration that is not at the beginning, or damaged');
    this.#until('?>', 'an instruction');
  }

  #element(): void {
    this.#at++;
    const tag = this.#name();
    if (this.#root && this.#open.length === 0) this.#fail('more than one element outside of all others');
    if (this.#open.length >= MAX_DEPTH) this.#fail(`more than ${MAX_DEPTH} elements in each other`);
    const attributes = this.#attributes();
    const isEmpty = this.#takes('/');
    if (!this.#takes('>')) this.#fail(`<${tag}> is damaged`);
    const prefixes = this.#declared(attributes);
    const element: XmlElement = {
      ...this.#resolve(tag, prefixes, prefixes.get('') ?? ''),
      attributes: this.#resolved(attributes, prefixes),
      children: [],
      text: '',
    };
    this.#open.at(-1)?.element.children.push(element);
    this.#root ??= element;
    if (!isEmpty) this.#open.push({ element, tag, prefixes });
  }

  #attributes(): Map<string, string> {
    const attributes = new Map<string, string>();
    for (;;) {
      const before = this.#at;
      this.#space();
      const next = this.#text[this.#at];
      if (next === '>' || next === '/' || next === undefined) return attributes;
      if (this.#at === before) this.#fail('no space before an attribute');
      const name = this.#name();
      this.#space();
      if (!this.#takes('=')) this.#fail(`the attribute ${name} has no value`);
      this.#space();
      const quote = this.#text[this.#at++];
      if (quote !== '"' && quote !== "'") this.#fail(`the value of ${name} is not in quotes`);
      const value = this.#until(quote, `the value of ${name}`);
      if (value.includes('<')) this.#fail(`"<" in the value of ${name}`);
      if (attributes.has(name)) this.#fail(`the attribute ${name} twice`);
      attributes.set(name, this.#expand(value));
    }
  }

  #declared(attributes: ReadonlyMap<string, string>): Map<string, string> {
    const outer = this.#open.at(-1)?.prefixes ?? new Map([['xml', XML]]);
    let prefixes = outer;
    for (const [name, value] of attributes) {
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
      if (name !== 'xmlns' && value === '') this.#fail(`${name} is empty`);
      if (prefixes === outer) prefixes = new Map(outer);
      if (prefixes.size >= MAX_PREFIXES) this.#fail(`more than ${MAX_PREFIXES} prefixes`);
      prefixes.set(name.slice('xmlns:'.length), value);
    }
    return prefixes;
  }

  #resolved(attributes: ReadonlyMap<string, string>, prefixes: ReadonlyMap<string, string>): XmlElement['attributes'] {
    const resolved = new Map<string, XmlElement['attributes'][number]>();
    for (const [written, value] of attributes) {
      if (written === 'xmlns' || written.startsWith('xmlns:')) continue;
      const name = this.#resolve(written, prefixes, '');
      const key = `${name.namespace} ${name.name}`;
      if (resolved.has(key)) this.#fail(`the attribute ${written} twice`);
      resolved.set(key, { ...name, value });
    }
    return [...resolved.values()];
  }

  #resolve(written: string, prefixes: ReadonlyMap<string, string>, none: string): XmlName {
    const colon = written.indexOf(':');
    if (colon === -1) return { name: written, namespace: none, prefix: '' };
    const prefix = written.slice(0, colon);
    const namespace = prefixes.get(prefix);
    return {
      name: written.slice(colon + 1),
      prefix,
      namespace: namespace ?? this.#fail(`the prefix of ${written} is not declared`),
    };
  }

  #close(): void {
    const tag = this.#name();
    this.#space();
    if (!this.#takes('>')) this.#fail(`</${tag} is damaged`);
    const open = this.#open.pop();
    if (open?.tag !== tag)
      this.#fail(open ? `</${tag}> where </${open.tag}> is due` : `</${tag}> without its beginning`);
  }

  #characters(): void {
    const end = this.#text.indexOf('<', this.#at);
    const raw = this.#text.slice(this.#at, end === -1 ? undefined : end);
    if (raw.includes(']]>')) this.#fail('"]]>" in a text');
    this.#addText(this.#expand(raw));
    this.#at += raw.length;
  }

  #addText(text: string): void {
    const element = this.#open.at(-1)?.element;
    if (element) element.text += text.replaceAll(/\r\n?/g, '\n');
    else if (text.trim() !== '') this.#fail('text outside of all elements');
  }

  #expand(text: string): string {
    if (!text.includes('&')) return text;
    return text.replaceAll(/&([^;&\s]{0,20};?)/g, (_, written: string) => {
      const name = written.endsWith(';') ? written.slice(0, -1) : '';
      const digits = /^#(?:x([\da-fA-F]{1,6})|(\d{1,7}))$/.exec(name);
      const code = digits ? Number.parseInt(digits[1] ?? digits[2] ?? '', digits[1] ? 16 : 10) : -1;
      const isCharacter = code > 0 && code <= 0x10_ff_ff && (code < 0xd8_00 || code > 0xdf_ff);
      const character = isCharacter
        ? String.fromCodePoint(code)
        : Object.hasOwn(ENTITIES, name)
          ? ENTITIES[name]
          : undefined;
      if (character === undefined || FORBIDDEN.test(character)) this.#fail(`&${written} is not known`);
      return character;
    });
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const match = NAME.exec(this.#text);
    if (!match) this.#fail('a name is missing');
    this.#at += match[0].length;
    return match[0];
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #takes(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #until(end: string, what: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at === -1) this.#fail(`${what} does not end`);
    const text = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return text;
  }

  #fail(problem: string, at = this.#at): never {
    throw new XmlInvalid(`line ${this.#text.slice(0, at).split('\n').length}: ${problem}`);
  }
}
