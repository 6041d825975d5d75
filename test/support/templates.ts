import type { TemplateInput } from '../../src/templating/compose-input.ts';
import { composeTemplate } from '../../src/templating/liquid/compose-template.ts';

/** What a template becomes, in this process and without a limit of time. A text is its `index.html`. @throws TemplateFailure */
export function fill(
  texts: string | Record<string, string>,
  data: object = {},
  about: Partial<Pick<TemplateInput, 'name' | 'key' | 'locale' | 'timezone'>> = {},
): string {
  const input = {
    kind: 'template' as const,
    name: 'invoice@7',
    locale: 'en',
    timezone: 'UTC',
    ...about,
    texts: typeof texts === 'string' ? { 'index.html': texts } : texts,
    json: JSON.stringify(data),
  };
  const html = composeTemplate(input, { timeoutMs: 1e6, memoryUnits: 1e7, outputLength: 1e6 });
  if (html === undefined) throw new Error('it wants texts that it was given');
  return html;
}

/** The message with which it fails, after the template's name. */
export function failure(...given: Parameters<typeof fill>): string {
  try {
    fill(...given);
  } catch (error) {
    if (error instanceof Error && error.name === 'TemplateFailure')
      return error.message.replace(/^invoice@7(, |: )/, '');
    throw error;
  }
  throw new Error('it was filled in');
}
