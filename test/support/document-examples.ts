import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An example of docs/documents.md. */
export interface DocumentExample {
  /** the heading it stands under */
  name: string;
  html: string;
  /** print options that the page states for it */
  options: Record<string, unknown>;
}

/** docs/documents.md */
export const documentsPage = readFileSync(fileURLToPath(new URL('../../docs/documents.md', import.meta.url)), 'utf8');

const OPTIONS = /^(?:Every example is printed with|Options:) `(\{.*?\})`/gm;

/** Every block of HTML on the page, with the options that its section states, or those that the page does. */
export function documentExamples(): DocumentExample[] {
  const [introduction = '', ...sections] = documentsPage.split(/^## /m);
  const byDefault = statedOptions(introduction) ?? {};
  return sections.flatMap((section) => {
    const name = section.slice(0, section.indexOf('\n'));
    const options = statedOptions(section) ?? byDefault;
    return blocksOf(section, 'html').map((html) => ({ name, html, options }));
  });
}

/** The blocks of a language, such as `js`. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, its]) => its === language)
    .map(([, , code = '']) => code);
}

function statedOptions(text: string): Record<string, unknown> | undefined {
  const [, json] = [...text.matchAll(OPTIONS)].at(-1) ?? [];
  return json === undefined ? undefined : (JSON.parse(json) as Record<string, unknown>);
}
