import { ERROR_CODES } from '../kernel/errors.ts';
import type { OpenApiDocument } from './openapi.ts';

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  description?: string;
  default?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

interface Operation {
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; schema?: Schema; description?: string }[];
  security?: Record<string, string[]>[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema }> }>;
}

/** The OpenAPI document as a page to read: no scripts, nothing from elsewhere, light and dark. */
export function docsPage(document: OpenApiDocument): string {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Schema>;
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
    })),
  );
  const anchor = (method: string, path: string) => `${method}-${path}`.replaceAll(/\W+/g, '-').toLowerCase();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>pdfprompt API</title><style>${STYLE}</style></head>
<body><header><h1>pdfprompt</h1><p>${escape(document.info.description ?? '')} Version ${escape(document.info.version)}. For programs: <a href="/openapi.json">openapi.json</a>.</p>
<pre>curl -sS http://127.0.0.1:3000/v1/pdf -H 'Authorization: Bearer pdf_…' -H 'Content-Type: application/json' \\
  -d '{"html":"&lt;h1&gt;Hello&lt;/h1&gt;"}' -o hello.pdf</pre></header>
<nav><ul>${operations.map(({ method, path, operation }) => `<li><a href="#${anchor(method, path)}"><code><b>${method}</b> ${escape(path)}</code></a> ${escape(operation.summary ?? '')}</li>`).join('')}</ul>
<p>${Object.keys(schemas)
    .map((name) => `<a href="#${name}">${name}</a>`)
    .join(' · ')} · <a href="#errors">Errors</a></p></nav>
<main>${operations.map(({ method, path, operation }) => operationSection(anchor(method, path), method, path, operation)).join('')}
${Object.entries(schemas)
  .filter(([name]) => !name.endsWith('Output'))
  .map(([name, schema]) => `<section id="${name}"><h2>${name}</h2>${schemaTable(schema)}</section>`)
  .join('')}
<section id="errors"><h2>Errors</h2><p>Every error is <code>application/problem+json</code> (RFC 9457) with a stable <code>code</code>, a <code>detail</code> that names the field and what is allowed, and the <code>requestId</code> by which the log knows it.</p>
<table><thead><tr><th>code</th><th>status</th><th>meaning</th></tr></thead><tbody>${Object.entries(ERROR_CODES)
    .map(
      ([code, { status, title }]) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escape(title)}</td></tr>`,
    )
    .join('')}</tbody></table></section></main></body></html>`;
}

function operationSection(id: string, method: string, path: string, operation: Operation): string {
  const body = operation.requestBody?.content['application/json']?.schema;
  const scopes = (operation.security ?? []).flatMap((scheme) => Object.values(scheme).flat());
  return `<section id="${id}"><h2><code><b>${method}</b> ${escape(path)}</code></h2><p><b>${escape(operation.summary ?? '')}.</b> ${text(operation.description ?? '')}</p>
${scopes.length > 0 ? `<p>Scope: ${scopes.map((scope) => `<code>${escape(scope)}</code>`).join(' ')}</p>` : ''}
${body ? `<p>Body: ${typeName(body)}</p>` : ''}
${operation.parameters?.length ? `<table><thead><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr></thead><tbody>${operation.parameters.map((parameter) => `<tr><td><code>${escape(parameter.name)}</code></td><td>${parameter.in}</td><td>${typeName(parameter.schema ?? {})}</td><td>${text(parameter.description ?? parameter.schema?.description ?? '')}${defaultOf(parameter.schema)}</td></tr>`).join('')}</tbody></table>` : ''}
<table><thead><tr><th>status</th><th>answer</th><th></th></tr></thead><tbody>${Object.entries(operation.responses)
    .map(
      ([status, { description, content }]) =>
        `<tr><td>${status}</td><td>${Object.entries(content ?? {})
          .map(([type, { schema }]) => (schema?.$ref ? typeName(schema) : `<code>${escape(type)}</code>`))
          .join(' ')}</td><td>${text(description)}</td></tr>`,
    )
    .join('')}</tbody></table></section>`;
}

function schemaTable(schema: Schema): string {
  const rows = fields(schema, '');
  return `${schema.description ? `<p>${text(schema.description)}</p>` : ''}<table><thead><tr><th>field</th><th>type</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function fields(schema: Schema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.properties ? field : field.anyOf?.find((choice) => choice.properties);
    const row = `<tr><td><code>${escape(prefix + name)}</code></td><td>${typeName(field)}</td><td>${text(field.description ?? '')}${defaultOf(field)}</td></tr>`;
    return [
      row,
      ...(inner ? fields(inner, `${prefix}${name}.`) : []),
      ...(field.items?.properties ? fields(field.items, `${prefix}${name}[].`) : []),
    ];
  });
}

function typeName(schema: Schema): string {
  if (schema.$ref) {
    const name = escape(schema.$ref.split('/').at(-1) ?? '');
    return `<a href="#${name}">${name}</a>`;
  }
  if (schema.enum) return schema.enum.map((value) => `<code>${escape(String(value))}</code>`).join(' ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeName))].join(' or ');
  if (schema.items) return `list of ${typeName(schema.items)}`;
  const range = [
    schema.minimum !== undefined && `from ${schema.minimum}`,
    schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER && `to ${schema.maximum}`,
    schema.maxLength !== undefined && `up to ${schema.maxLength} characters`,
  ].filter(Boolean);
  return [
    [schema.type].flat().join(' or '),
    schema.format === 'uuid' || schema.format === 'date-time' ? schema.format : '',
    ...range,
  ]
    .filter(Boolean)
    .join(' ');
}

function defaultOf(schema: Schema | undefined): string {
  if (schema?.default === undefined || typeof schema.default === 'object') return '';
  return ` <span class="default">Default: <code>${escape(JSON.stringify(schema.default))}</code></span>`;
}

const escape = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Escaped, with `code` marked. */
const text = (value: string) => escape(value).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

const STYLE = `:root{color-scheme:light dark;--line:light-dark(#ddd,#3a3a3a);--soft:light-dark(#f6f6f4,#222);--quiet:light-dark(#666,#aaa)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1rem 6rem}h1{margin:0}h2{margin:3rem 0 .5rem;font-size:1.2rem}
code,pre{font:0.9em/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:1rem;overflow-x:auto;border-radius:6px}
table{border-collapse:collapse;width:100%;margin:.8rem 0;display:block;overflow-x:auto}th{font-weight:600;color:var(--quiet)}th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
nav ul{list-style:none;padding:0}a{color:light-dark(#0550ae,#7ab7ff)}.default{color:var(--quiet)}:target{background:var(--soft)}`;
