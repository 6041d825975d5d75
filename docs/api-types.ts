/** A schema of the OpenAPI document, as far as its types need it. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
}

interface ApiDocument {
  paths?: object;
  webhooks?: object;
  components?: { schemas?: object };
}

const HEAD = `// Made from the OpenAPI document by \`npm run docs\`.
`;

/** TypeScript types of all schemas that the operations of users, not of operators, refer to. */
export function apiTypes(document: ApiDocument): string {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Schema>;
  const used = Object.entries(document.paths ?? {}).filter(([path]) => !path.startsWith('/v1/admin/'));
  const names = reached([used, document.webhooks], schemas);
  return HEAD + names.map((name) => `\n${declaration(name, schemas[name] ?? {})}\n`).join('');
}

/** Names of the schemas that something refers to, and of those that they refer to, in the order of the alphabet. */
function reached(from: unknown, schemas: Record<string, Schema>): string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      const name = key === '$ref' ? nameOf(String(member)) : undefined;
      if (name === undefined) visit(member);
      else if (!found.has(name)) {
        found.add(name);
        visit(schemas[name]);
      }
    }
  };
  visit(from);
  return [...found].sort();
}

function declaration(name: string, schema: Schema): string {
  const type = typeOf(schema);
  return `${comment(schema)}export ${type.startsWith('{') && !schema.anyOf ? `interface ${name} ${type}` : `type ${name} = ${type};`}`;
}

function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf = anyOf, enum: values, items } = schema;
  if ($ref !== undefined) return nameOf($ref);
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (oneOf) return [...new Set(oneOf.map(typeOf))].join(' | ');
  const [first, ...others] = [schema.type ?? []].flat();
  if (others.length > 0) return [first, ...others].map((type) => typeOf({ ...schema, type: type ?? '' })).join(' | ');
  if (first === 'array') return `(${typeOf(items ?? {})})[]`;
  if (first === 'object') return objectType(schema);
  return { string: 'string', number: 'number', integer: 'number', boolean: 'boolean', null: 'null' }[first ?? ''] ?? 'unknown'; // prettier-ignore
}

function objectType({ properties = {}, required = [], additionalProperties: more }: Schema): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const isOptional = !required.includes(name);
    const type = typeOf(schema);
    // With exactOptionalPropertyTypes too, a program may pass on what is perhaps undefined.
    return `${comment(schema)}${JSON.stringify(name)}${isOptional ? '?' : ''}: ${type}${isOptional && type !== 'unknown' ? ' | undefined' : ''};`;
  });
  if (members.length === 0) return `Record<string, ${typeof more === 'object' ? typeOf(more) : 'unknown'}>`;
  if (typeof more === 'object') members.push(`[name: string]: unknown;`);
  return `{\n${members.join('\n')}\n}`;
}

const comment = ({ description }: Schema) =>
  description === undefined ? '' : `/** ${description.replaceAll('*/', '*\\/')} */\n`;

const nameOf = (ref: string) => ref.split('/').at(-1) ?? '';
