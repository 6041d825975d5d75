import { canonicalLocale } from '../../domain/locale.ts';
import { takeFrontMatter } from './front-matter.ts';
import { MATH_STYLE } from './math.ts';
import { createParser, type Found } from './parser.ts';
import { PRINT_STYLE } from './print-style.ts';

interface MarkdownSettings {
  /** Raw HTML in the text is HTML. Otherwise it is printed as it is written, and no text can run a script. */
  allowHtml: boolean;
  /** instead of ours */
  styleSheet?: string | undefined;
  /** of the document, unless its front matter says `lang` */
  locale: string;
  /** only what would be in the body of the document */
  isFragment?: boolean | undefined;
}

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT = new Set(['Adlm', 'Arab', 'Hebr', 'Nkoo', 'Rohg', 'Syrc', 'Thaa']);

/**
 * A whole HTML document, made for paper, from GitHub's dialect of markdown, or a part of one. Its title is that of the front matter, or its first heading.
 * @throws MarkdownError if it is nested too deep, or a little of it would become a great deal of HTML
 */
export function renderMarkdown(
  text: string,
  { allowHtml, styleSheet, locale, isFragment = false }: MarkdownSettings,
): string {
  const { matter, body, lines } = takeFrontMatter(text.replace(/^\ufeff/, ''));
  const found: Found = { hasMath: false };
  const parser = createParser(allowHtml, lines + 1, found);
  const content = parser.render(body);
  if (isFragment) return found.hasMath ? `<style>\n${MATH_STYLE}\n</style>\n${content}` : content;
  const { escapeHtml } = parser.utils;

  const lang = canonicalLocale(matter.lang ?? '') ?? locale;
  const title = matter.title ?? found.title;
  const styles = [...(found.hasMath ? [MATH_STYLE] : []), styleSheet ?? PRINT_STYLE];
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(lang)}" dir="${directionOf(lang)}">`,
    '<head>',
    '<meta charset="utf-8">',
    ...(title ? [`<title>${escapeHtml(title)}</title>`] : []),
    ...styles.map((style) => `<style>\n${inElement(style)}\n</style>`),
    '</head>',
    '<body>',
    `${content}</body>`,
    '</html>',
    '',
  ].join('\n');
}

function directionOf(lang: string): 'ltr' | 'rtl' {
  const { script } = new Intl.Locale(canonicalLocale(lang) ?? 'en').maximize();
  return RIGHT_TO_LEFT.has(script ?? '') ? 'rtl' : 'ltr';
}

/** In CSS a backslash before `/` changes nothing; in HTML the element then does not end. */
const inElement = (css: string) => css.replaceAll(/<\/(?=style)/gi, '<\\/');
