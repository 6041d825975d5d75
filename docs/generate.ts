import { readFileSync, writeFileSync } from 'node:fs';
import { dashboard } from '../grafana/dashboard.ts';
import { envExample, settingsMarkdown } from '../src/config/reference.ts';

// `npm run docs`: writes what is made from the code. test/unit/reference.test.ts fails when it was forgotten.

const readme = new URL('../README.md', import.meta.url);
const MARKED = /(<!-- settings -->)[\s\S]*(<!-- \/settings -->)/;

writeFileSync(new URL('../.env.example', import.meta.url), envExample());
writeFileSync(
  readme,
  readFileSync(readme, 'utf8').replace(
    MARKED,
    (_, start: string, end: string) => `${start}\n\n${settingsMarkdown()}\n\n${end}`,
  ),
);
writeFileSync(
  new URL('../grafana/dashboards/pdfprompt.json', import.meta.url),
  `${JSON.stringify(dashboard(), null, 2)}\n`,
);
