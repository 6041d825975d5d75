import type { Refusal, SentFile } from '../../conversion.ts';
import { refused } from '../fields.ts';
import { templatePieces } from './go-template.ts';

interface MarkdownPage {
  /** by their names */
  files: Readonly<Record<string, SentFile>>;
  toHtml: (markdown: string) => Promise<string>;
}

const TO_HTML = /^toHTML\s+(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)$/;

/**
 * A page in which `{{ toHTML "intro.md" }}` stands for the HTML of that file.
 * @throws CodedError that names every file that was not sent, or another command
 */
export async function fillMarkdown(page: string, { files, toHtml }: MarkdownPage): Promise<string> {
  const refuse = (message: string) => refused([{ field: 'index.html', message }]);
  const pieces = templatePieces(page);
  if (!pieces) throw refuse('a command that begins with {{ does not end; allowed: {{ toHTML "a file.md" }}');
  const missing: Refusal[] = [];
  let html = '';
  for (const piece of pieces) html += 'text' in piece ? piece.text : await htmlOf(piece.command);
  if (missing.length > 0) throw refused(missing);
  return html;

  async function htmlOf(command: string): Promise<string> {
    const [, quoted, plain] = TO_HTML.exec(command) ?? [];
    const name = (quoted?.replaceAll(/\\(.)/g, '$1') ?? plain)?.normalize('NFC');
    if (name === undefined) throw refuse(`{{ ${command.slice(0, 100)} }}: allowed: {{ toHTML "a file.md" }}`);
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    if (file) return missing.length > 0 ? '' : toHtml(await file.text());
    missing.push({ field: 'index.html', message: `toHTML ${JSON.stringify(name)}: there is no file of this name` });
    return '';
  }
}
