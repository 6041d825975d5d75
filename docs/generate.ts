import { readFileSync, writeFileSync } from 'node:fs';
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
