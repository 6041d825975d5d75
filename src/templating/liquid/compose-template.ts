import type { ComposeLimits, SentTemplate } from '../sent-input.ts';
import { renderMarkdown } from '../markdown/render-markdown.ts';
import { ComposeContext } from './compose-context.ts';
import { escapeHtml, escapeMarkdown } from './escape.ts';
import { ParsedTemplate } from './parsed-template.ts';
import { RecentTemplates } from './recent-templates.ts';
import { TemplateFailure, toFailure } from './template-failure.ts';

const recent = new RecentTemplates();

/**
 * The HTML of a template with its data. Markdown is made HTML after Liquid; there HTML is kept, because it can only be
 * the template's: what comes from the data is escaped for both.
 * @returns undefined if the texts are needed
 * @throws TemplateFailure
 */
export function composeTemplate(input: SentTemplate, limits: ComposeLimits): string | undefined {
  const { name, key, texts, json, locale, timezone } = input;
  const known = key === undefined ? undefined : recent.get(key);
  if (!known && !texts) return undefined;
  try {
    const template = known ?? new ParsedTemplate(texts ?? {});
    if (!known && key !== undefined) recent.keep(key, template);
    const data = JSON.parse(json) as object;
    template.check?.(data, json);
    const escape = template.isMarkdown ? escapeMarkdown : escapeHtml;
    const context = ComposeContext.begin(template.liquid, data, { locale, timezone, strings: template.strings, escape }, limits); // prettier-ignore
    const text = template.render(context);
    return template.isMarkdown ? renderMarkdown(text, { allowHtml: true, locale }) : text;
  } catch (error) {
    if (error instanceof TemplateFailure)
      throw new TemplateFailure(error.code, `${name}: ${error.message}`, error.fields);
    throw toFailure(error, name);
  }
}
