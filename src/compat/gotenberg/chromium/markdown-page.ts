import { REQUEST_BOUNDS } from '../../../domain/print-fields.ts';
import { MAX_REFUSALS, type Refusal, type SentFile } from '../../conversion.ts';
import { refused } from '../fields.ts';
import { templatePieces } from './go-template.ts';

interface MarkdownPage {
  /** by their names */
  files: Readonly<Record<string, SentFile>>;
  toHtml: (markdown: string) => Promise<string>;
}

/** Characters of the whole page: what a request of ours may have as its HTML. */
const MAX_HTML = REQUEST_BOUNDS.bodyBytes;

const TO_HTML = /^toHTML\s+(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)$/;

/**
 * A page in which `{{ toHTML "intro.md" }}` stands for the HTML of that file. Each file is made HTML once.
 * @throws CodedError that names every file that was not sent, or another command; that the page becomes too long
 */
export async function fillMarkdown(page: string, { files, toHtml }: MarkdownPage): Promise<string> {
  const refuse = (message: string) => refused([{ field: 'index.html', message }]);
  const pieces = templatePieces(page);
  if (!pieces) throw refuse('a command that begins with {{ does not end; allowed: {{ toHTML "a file.md" }}');
  const missing: Refusal[] = [];
  let html = '';
  const made = new Map<string, string>();
  for (const piece of pieces) {
    const next = 'text' in piece ? piece.text : await htmlOf(piece.command);
    if (html.length + next.length > MAX_HTML)
      throw refuse(`it becomes too long; allowed: at most ${MAX_HTML} characters`);
    html += next;
  }
  if (missing.length > 0) throw refused(missing);
  return html;

  async function htmlOf(command: string): Promise<string> {
    const [, quoted, plain] = TO_HTML.exec(command) ?? [];
    const name = (quoted?.replaceAll(/\\(.)/g, '$1') ?? plain)?.normalize('NFC');
    if (name === undefined) throw refuse(`{{ ${command.slice(0, 100)} }}: allowed: {{ toHTML "a file.md" }}`);
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    if (file) {
      if (missing.length > 0) return '';
      const known = made.get(name) ?? (await toHtml(await file.text()));
      made.set(name, known);
      return known;
    }
    if (missing.length < MAX_REFUSALS)
      missing.push({ field: 'index.html', message: `toHTML ${JSON.stringify(name)}: there is no file of this name` });
    return '';
  }
}
