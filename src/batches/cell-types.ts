import { pathText } from '../domain/field-path.ts';
import { parseJson } from '../jobs/parse-json.ts';
import { CodedError, type FieldProblem, messageOf } from '../kernel/errors.ts';

type Schema = Record<string, unknown>;
type Data = Record<string, unknown>;

/** Characters of JSON in the cells of one row, at most. */
const MAX_JSON = 1_000_000;
/** References that are followed, one after the other. */
const MAX_REFERENCES = 8;

/**
 * Gives the cells of a CSV the types that a JSON Schema says: numbers, booleans, and JSON for arrays and objects. What
 * does not look like one stays a string, for the schema to refuse.
 * @param text of the schema; what it says beside `type`, `properties` and `$ref` is not looked at
 * @returns changes data in place: what was JSON in a cell is then no longer known to be good text; a problem if there is
 *   too much of it to be read
 * @throws CodedError `template_failed` if the schema is not JSON
 */
export function cellTypes(text: string): (data: Data) => FieldProblem | undefined {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new CodedError('template_failed', `schema.json: ${messageOf(error).slice(0, 200)}`, { cause: error });
  }
  /** @param left characters of JSON that may still be read @returns how many are left; a problem if there were more */
  const convert = (data: Data, schema: Schema | undefined, path: string[], left: number): number | FieldProblem => {
    const properties = schema && asSchema(schema.properties);
    if (!properties) return left;
    let rest = left;
    for (const [name, value] of Object.entries(data)) {
      const found = Object.hasOwn(properties, name) ? resolved(properties[name], root) : undefined;
      const types = [found?.type].flat();
      if (typeof value === 'string') {
        if (isJson(value, types)) rest -= value.length;
        if (rest < 0) return { field: pathText([...path, name]), message: TOO_MUCH };
        data[name] = typed(value, types);
      } else {
        const within = convert(value as Data, found, [...path, name], rest);
        if (typeof within !== 'number') return within;
        rest = within;
      }
    }
    return rest;
  };
  const top = resolved(root, root);
  return (data) => {
    const result = convert(data, top, ['data'], MAX_JSON);
    return typeof result === 'number' ? undefined : result;
  };
}

const TOO_MUCH = `allowed: at most ${MAX_JSON} characters of JSON in the cells of a row; NDJSON may have more`;

const isJson = ([first]: string, types: readonly unknown[]) =>
  (types.includes('array') && first === '[') || (types.includes('object') && first === '{');

function typed(cell: string, types: readonly unknown[]): unknown {
  if (types.includes('string')) return cell;
  const isNumber = types.includes('number') || types.includes('integer');
  if (isNumber && /^-?\d{1,15}(\.\d{1,15})?$/.test(cell)) return Number(cell); // with more, digits would get lost
  if (types.includes('boolean') && /^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true';
  return isJson(cell, types) ? parsed(cell) : cell;
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
