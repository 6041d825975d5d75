import { readFileSync, writeFileSync } from 'node:fs';
import { apiTypes } from './api-types.ts';
import { dashboard } from '../grafana/dashboard.ts';
import { operationsOf } from '../src/http/app.ts';
import { openApiDocument } from '../src/http/openapi.ts';
import type { AppDeps } from '../src/http/route.ts';
import { envExample, settingsMarkdown } from '../src/config/reference.ts';

// `npm run docs`: writes what is made from the code. test/unit/reference.test.ts fails if the files are out of date.

const root = new URL('../', import.meta.url);
const MARKED = /(<!-- settings -->)[\s\S]*(<!-- \/settings -->)/;

function insertTable(name: string, table: string): void {
  const file = new URL(name, root);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(MARKED, (_, start: string, end: string) => `${start}\n\n${table}\n\n${end}`),
  );
}

insertTable('README.md', settingsMarkdown('main'));
insertTable('docs/settings.md', settingsMarkdown('all'));
writeFileSync(new URL('.env.example', root), envExample());
writeFileSync(new URL('grafana/dashboards/pdfprompt.json', root), `${JSON.stringify(dashboard(), null, 2)}\n`);

// Nothing of it is called: the routes only describe themselves.
const document = openApiDocument(operationsOf({} as AppDeps), '');
writeFileSync(new URL('src/client/api-types.ts', root), apiTypes(document));
