/** An element of XML. */
export interface XmlElement {
  /** address of the name space, or '' */
  space: string;
  prefix: string;
  /** without its prefix */
  name: string;
  attributes: { space: string; prefix: string; name: string; value: string }[];
  children: XmlElement[];
  /** of itself, not of the elements in it */
  text: string;
}

/** It is not well-formed. */
export class XmlProblem extends Error {
  override name = 'XmlProblem';
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const MAX_DEPTH = 100;
const NAME = /[^\s<>/=&"']+/y;
const SPACES: Record<string, string> = { xml: 'http://www.w3.org/XML/1998/namespace' };

/**
 * Reads XML without a DTD, in linear time.
 * @throws XmlProblem
 */
export function parseXml(xml: string): XmlElement {
  return new XmlReader(xml).document();
}

class XmlReader {
  readonly #xml: string;
  #position = 0;

  constructor(xml: string) {
    this.#xml = xml;
  }

  document(): XmlElement {
    this.#skipMisc();
    if (this.#xml[this.#position] !== '<') throw new XmlProblem('it has no element');
    const root = this.#element(SPACES, 0);
    this.#skipMisc();
    if (this.#position < this.#xml.length) throw new XmlProblem('something follows the last element');
    return root;
  }

  /** White space, comments and processing instructions. */
  #skipMisc(): void {
    for (;;) {
      this.#skipSpace();
      if (!this.#skipMarkup()) return;
    }
  }

  #skipMarkup(): boolean {
    if (this.#xml.startsWith('<?', this.#position)) return this.#skipTo('?>');
    if (this.#xml.startsWith('<!--', this.#position)) return this.#skipTo('-->');
    if (this.#xml.startsWith('<!DOCTYPE', this.#position)) throw new XmlProblem('it has a DTD');
    return false;
  }

  #skipTo(end: string): true {
    this.#until(end);
    return true;
  }

  /** What comes before `end`; continues after it. */
  #until(end: string): string {
    const found = this.#xml.indexOf(end, this.#position);
    if (found < 0) throw new XmlProblem(`${end} is missing`);
    const text = this.#xml.slice(this.#position, found);
    this.#position = found + end.length;
    return text;
  }

  #skipSpace(): void {
    while (/\s|\uFEFF/.test(this.#xml[this.#position] ?? '')) this.#position++;
  }

  #name(): string {
    NAME.lastIndex = this.#position;
    const name = NAME.exec(this.#xml)?.[0];
    if (name === undefined) throw new XmlProblem(`a name is missing at ${this.#position}`);
    this.#position += name.length;
    return name;
  }

  /** At its `<`. */
  #element(outer: Record<string, string>, depth: number): XmlElement {
    if (depth > MAX_DEPTH) throw new XmlProblem('its elements are nested too deeply');
    this.#position++;
    const tag = this.#name();
    const { attributes, isEmpty } = this.#attributes();
    const spaces = { ...outer };
    for (const [name, value] of attributes)
      if (name === 'xmlns') spaces[''] = value;
      else if (name.startsWith('xmlns:')) spaces[name.slice(6)] = value;
    const element: XmlElement = {
      ...resolveName(tag, spaces, spaces[''] ?? ''),
      attributes: attributes
        .filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'))
        .map(([name, value]) => ({ ...resolveName(name, spaces, ''), value })),
      children: [],
      text: '',
    };
    if (!isEmpty) this.#content(element, tag, spaces, depth);
    return element;
  }

  #attributes(): { attributes: [string, string][]; isEmpty: boolean } {
    const attributes: [string, string][] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#xml.startsWith('/>', this.#position)) return { attributes, isEmpty: this.#advance(2) };
      if (this.#xml[this.#position] === '>') return { attributes, isEmpty: !this.#advance(1) };
      const name = this.#name();
      this.#skipSpace();
      if (this.#xml[this.#position] !== '=') throw new XmlProblem(`the attribute ${name} has no value`);
      this.#position++;
      this.#skipSpace();
      const quote = this.#xml[this.#position];
      if (quote !== '"' && quote !== "'") throw new XmlProblem(`the attribute ${name} has no quotes`);
      this.#position++;
      if (attributes.some(([other]) => other === name)) throw new XmlProblem(`the attribute ${name} is there twice`);
      attributes.push([name, unescape(this.#until(quote))]);
    }
  }

  #advance(by: number): true {
    this.#position += by;
    return true;
  }

  #content(element: XmlElement, tag: string, spaces: Record<string, string>, depth: number): void {
    for (;;) {
      const next = this.#xml.indexOf('<', this.#position);
      if (next < 0) throw new XmlProblem(`</${tag}> is missing`);
      element.text += unescape(this.#xml.slice(this.#position, next));
      this.#position = next;
      if (this.#xml.startsWith('<![CDATA[', next)) {
        this.#position += 9;
        element.text += this.#until(']]>');
      } else if (this.#xml.startsWith('</', next)) {
        this.#position += 2;
        const end = this.#until('>').trim();
        if (end !== tag) throw new XmlProblem(`</${end}> closes <${tag}>`);
        return;
      } else if (!this.#skipMarkup()) element.children.push(this.#element(spaces, depth + 1));
    }
  }
}

function resolveName(tag: string, spaces: Record<string, string>, byDefault: string) {
  const colon = tag.indexOf(':');
  if (colon < 0) return { space: byDefault, prefix: '', name: tag };
  const prefix = tag.slice(0, colon);
  const space = spaces[prefix];
  if (space === undefined) throw new XmlProblem(`the prefix ${prefix} is not declared`);
  return { space, prefix, name: tag.slice(colon + 1) };
}

function unescape(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,10});?/g, (_, name: string) => {
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : name.startsWith('#') ? Number(name.slice(1)) : Number.NaN; // prettier-ignore
    if (code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    const known = ENTITIES[name];
    if (known === undefined) throw new XmlProblem(`the entity &${name}; is unknown`);
    return known;
  });
}
