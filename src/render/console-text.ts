import type { Protocol } from 'puppeteer';

type Argument = Protocol.Runtime.RemoteObject;

/** The arguments of a call of `console` as one text, with `%s` and its like filled in. */
export function consoleText(args: readonly Argument[]): string {
  const rest = [...args];
  const first = rest[0];
  const texts: string[] = [];
  if (first?.type === 'string' && rest.length > 1) {
    rest.shift();
    const format = String(first.value);
    const fillIn = (whole: string) => {
      const argument = whole === '%%' ? undefined : rest.shift();
      if (whole === '%c') return ''; // a style
      return argument ? argumentText(argument) : whole;
    };
    texts.push(format.replaceAll(/%[sdifoOc%]/g, fillIn));
  }
  return [...texts, ...rest.map(argumentText)].join(' ');
}

/** What was thrown, without the stack, whose addresses are those of the document's scripts. */
export function thrownText({ text, exception }: Protocol.Runtime.ExceptionDetails): string {
  return exception ? argumentText(exception) : text;
}

function argumentText({ type, subtype, value, unserializableValue, description, preview }: Argument): string {
  if (type === 'undefined') return 'undefined';
  if (subtype === 'null') return 'null';
  if (unserializableValue !== undefined) return unserializableValue;
  if (value !== undefined) return typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (subtype === 'error') return withoutStack(description ?? 'an error');
  return preview ? previewText(preview) : (description ?? type);
}

function withoutStack(description: string): string {
  const stack = description.indexOf('\n    at ');
  return stack === -1 ? description : description.slice(0, stack);
}

/** The browser describes what is nested in it: `Array(2)`. */
function previewText({ subtype, description, properties, overflow }: Protocol.Runtime.ObjectPreview): string {
  if (subtype !== undefined && subtype !== 'array') return description ?? subtype;
  const texts = properties.map(({ name, type, value }) => {
    const shown = type === 'string' ? JSON.stringify(value) : (value ?? type);
    return subtype === 'array' ? shown : `${name}: ${shown}`;
  });
  if (overflow) texts.push('…');
  return subtype === 'array' ? `[${texts.join(', ')}]` : `{${texts.join(', ')}}`;
}
