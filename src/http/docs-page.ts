import type { z } from 'zod';
import { ERROR_CODES } from '../kernel/errors.ts';
import { assetPath } from './console/assets.ts';
import type { OpenApiDocument } from './openapi.ts';

type Schema = z.core.JSONSchema.BaseSchema;

interface Operation {
  summary: string;
  description?: string;
  parameters?: { name: string; in: string; schema: Schema; description?: string }[];
  security?: Record<string, string[]>[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}

/** Nothing but our own style sheet: no scripts, nothing from other hosts. */
export const DOCS_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The OpenAPI document as an HTML page. */
export function docsPage(document: OpenApiDocument): string {
  const schemas = Object.entries((document.components?.schemas ?? {}) as Record<string, Schema>);
  const verbsOf = (paths: object, nameOf: (method: string, path: string) => string) =>
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, Operation>).map(([method, operation]) => {
        const id = `${method}-${path}`.replaceAll(/\W+/g, '-');
        return { id, name: `<code>${nameOf(method.toUpperCase(), escape(path))}</code>`, operation };
      }),
    );
  const operations = [
    ...verbsOf(document.paths ?? {}, (method, path) => `<b>${method}</b> ${path}`).map((each) => ({
      ...each,
      isEvent: false,
    })),
    ...verbsOf(document.webhooks ?? {}, (_, event) => `<b>event</b> ${event}`).map((each) => ({
      ...each,
      isEvent: true,
    })),
  ];
  const links = operations.map(
    ({ id, name, operation }) => `<li><a href="#${id}">${name}</a> ${escape(operation.summary)}</li>`,
  );
  const errors = Object.entries(ERROR_CODES).map(([code, { status, title }]) => [
    `<code id="${code}">${code}</code>`,
    status,
    escape(title),
  ]);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>pdfprompt API</title><link rel="icon" href="${assetPath('icon.svg')}"><link rel="stylesheet" href="${assetPath('console.css')}"></head>
<body><main><h1>pdfprompt</h1>
<p>${text(document.info.description)} Version ${escape(document.info.version)}. For programs: <a href="/openapi.json">openapi.json</a>.</p>
<pre tabindex="0">curl -sS http://127.0.0.1:3000/v1/pdf -H 'Authorization: Bearer pdf_…' -H 'Content-Type: application/json' \\
  -d '{"html":"&lt;h1&gt;Hello&lt;/h1&gt;"}' -o hello.pdf</pre>
<section aria-label="Contents"><ul>${links.join('')}</ul><p>${[...schemas.map(([name]) => name), 'errors'].map((name) => `<a href="#${name}">${name}</a>`).join(' · ')}</p></section>
${operations.map(({ id, name, operation, isEvent }) => section(id, name, operationBody(operation, isEvent))).join('')}
${schemas
  .filter(([name]) => !name.endsWith('Output'))
  .map(([name, schema]) => section(name, name, `<p>${text(schema.description)}</p>${schemaBody(schema)}`))
  .join('')}
${section('errors', 'Errors', `<p>Every error is <code>application/problem+json</code> (RFC 9457): a stable <code>code</code>, a <code>detail</code> that names the field and what is allowed, and the <code>requestId</code> under which the log lists it.</p>${table('code status meaning', errors)}`)}
</main></body></html>`;
}

const section = (id: string, title: string, body: string) => `<section id="${id}"><h2>${title}</h2>${body}</section>`;

function table(headings: string, rows: (string | number)[][]): string {
  const head = headings.split(' ').map((heading) => `<th scope="col">${heading}</th>`);
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function operationBody(operation: Operation, isEvent: boolean): string {
  const { summary, description, security = [], requestBody, parameters = [], responses } = operation;
  const scopes = security.flatMap((scheme) => Object.values(scheme).flat());
  const body = requestBody?.content['application/json']?.schema;
  const inputs = parameters.map(({ name, in: where, schema, description: its }) => [
    `<code>${escape(name)}</code>`,
    where,
    typeName(schema),
    text(its ?? schema.description) + defaultOf(schema),
  ]);
  const answers = Object.entries(responses).map(([status, { description: its, content = {} }]) => [
    status,
    Object.entries(content)
      .map(([type, { schema }]) => (schema.$ref ? typeName(schema) : `<code>${type}</code>`))
      .join(' '),
    text(its),
  ]);
  return `<p><b>${escape(summary)}.</b> ${text(description)}</p>
<p>${[isEvent ? 'To your endpoint' : scopes.length > 0 ? `Scope: <code>${scopes.join(' ')}</code>` : 'Without a key', body && `Body: ${typeName(body)}`].filter(Boolean).join('. ')}</p>
${inputs.length > 0 ? table('parameter in type note', inputs) : ''}${table('status answer note', answers)}`;
}

/** The fields of a schema, or what it is if it has none. */
function schemaBody(schema: Schema): string {
  const rows = fields(schema, '');
  return rows.length > 0 ? table('field type note', rows) : `<p>${typeName(schema)}</p>`;
}

/** A schema and those that its value may be one of. */
const forms = (schema: Schema): Schema[] => [schema, ...(schema.anyOf ?? [])];

function fields(schema: Schema, prefix: string): string[][] {
  const members = forms(schema).flatMap(({ properties }) => Object.entries((properties ?? {}) as Record<string, Schema>)); // prettier-ignore
  return members.flatMap(([name, field]) => {
    const path = prefix + name;
    const items = forms(field).flatMap((form) => (form.items ? [form.items as Schema] : []));
    return [
      [`<code>${escape(path)}</code>`, typeName(field), text(field.description) + defaultOf(field)],
      ...fields(field, `${path}.`),
      ...items.flatMap((item) => fields(item, `${path}[].`)),
    ];
  });
}

function typeName({ $ref, anyOf, oneOf, items, ...schema }: Schema): string {
  if ($ref !== undefined) {
    const name = escape($ref.split('/').at(-1) ?? '');
    return `<a href="#${name}">${name}</a>`;
  }
  if (schema.enum) return schema.enum.map((value) => `<code>${escape(String(value))}</code>`).join(' ');
  const choices = anyOf ?? oneOf;
  if (choices) return [...new Set(choices.map(typeName))].join(' or ');
  if (items) return `list of ${typeName(items as Schema)}`;
  const { type, format = '', minimum, maximum, maxLength } = schema;
  const parts = [
    [type].flat().join(' or '),
    ['uuid', 'date-time'].includes(format) && format,
    minimum !== undefined && `from ${minimum}`,
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && `to ${maximum}`,
    maxLength !== undefined && `up to ${maxLength} characters`,
  ];
  return parts.filter(Boolean).join(' ');
}

function defaultOf(schema: Schema): string {
  if (schema.default === undefined || typeof schema.default === 'object') return '';
  return ` <span class="dim">Default: <code>${escape(JSON.stringify(schema.default))}</code></span>`;
}

const escape = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Escaped, with text between backticks as `code`. */
const text = (value = '') => escape(value).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
