import { parseJson } from '../jobs/parse-json.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';

type Schema = Record<string, unknown>;
type Data = Record<string, unknown>;

/** References that are followed, one after the other. */
const MAX_REFERENCES = 8;

/**
 * Gives the cells of a CSV the types that a JSON Schema says: numbers, booleans, and JSON for arrays and objects. What
 * does not look like one stays a string, for the schema to refuse.
 * @param text of the schema; what it says beside `type`, `properties` and `$ref` is not looked at
 * @returns changes data in place: what was JSON in a cell is then no longer known to be good text
 * @throws CodedError `template_failed` if the schema is not JSON
 */
export function cellTypes(text: string): (data: Data) => void {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new CodedError('template_failed', `schema.json: ${messageOf(error).slice(0, 200)}`, { cause: error });
  }
  const convert = (data: Data, schema: Schema | undefined) => {
    const properties = schema && asSchema(schema.properties);
    if (!properties) return;
    for (const [name, value] of Object.entries(data)) {
      const found = Object.hasOwn(properties, name) ? resolved(properties[name], root) : undefined;
      if (typeof value === 'string') data[name] = typed(value, [found?.type].flat());
      else convert(value as Data, found);
    }
  };
  const top = resolved(root, root);
  return (data) => convert(data, top);
}

function typed(cell: string, types: readonly unknown[]): unknown {
  if (types.includes('string')) return cell;
  const isNumber = types.includes('number') || types.includes('integer');
  if (isNumber && /^-?\d{1,15}(\.\d{1,15})?$/.test(cell)) return Number(cell); // with more, digits would get lost
  if (types.includes('boolean') && /^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true';
  const [first] = cell;
  if ((types.includes('array') && first === '[') || (types.includes('object') && first === '{')) return parsed(cell);
  return cell;
}

function parsed(cell: string): unknown {
  try {
    return parseJson(Buffer.from(cell)); // a bounded number of values and levels
  } catch {
    return cell;
  }
}

/** Follows references within the schema: `#/$defs/customer`. */
function resolved(schema: unknown, root: unknown): Schema | undefined {
  let found = asSchema(schema);
  for (let hops = 0; found && typeof found.$ref === 'string' && hops < MAX_REFERENCES; hops++) {
    const [before, ...names] = found.$ref.split('/');
    if (before !== '#') return found;
    let at: unknown = root;
    for (const name of names) {
      const within = asSchema(at);
      const own = name.replaceAll('~1', '/').replaceAll('~0', '~');
      at = within && Object.hasOwn(within, own) ? within[own] : undefined;
    }
    found = asSchema(at);
  }
  return found;
}

function asSchema(value: unknown): Schema | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : undefined;
}
