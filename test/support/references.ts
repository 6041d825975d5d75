import { dirname, join, normalize } from 'node:path';

const FILE = String.raw`(?:ts|md|sql|yml|yaml|sh|svg)`;
const IN_BACKTICKS = new RegExp(String.raw`\x60((?:[\w.@-]+/)*[\w.@-]+\.${FILE}|(?:[\w.@-]+/)+[\w.@-]*)\x60`, 'g');
const PATH = new RegExp(String.raw`(?<![\w/.@$*~{}:-])((?:[\w.@-]+/)+[\w.@-]+\.${FILE})(?![\w*-])`, 'g');
const DOCS_PAGE = /(?<![\w./-])(docs\/[\w/-]+\.md)(#[\w-]+)?/g;
/** Files of documents and templates, which no checkout has. */
const OF_DOCUMENTS = new Set(['index.md', 'row.md']);
const URL = /\b[a-z]+:\/\/\S+/g;

/** What a text names: a path as it is written, and the anchor of a heading in it. */
interface Reference {
  path: string;
  anchor?: string;
}

/**
 * Links, anchors and file names that lead nowhere, each as `file: what it names`. Read are Markdown, the
 * comments of code, and pages of docs/ that a message names. A file may be named by the end of its path
 * only: `db/notifier.ts` is `src/db/notifier.ts`.
 * @param paths every path of the checkout, folders with a slash at the end
 */
export function brokenReferences(texts: Map<string, string>, paths: string[]): string[] {
  const all = new Set(paths);
  const folders = new Set(paths.filter((path) => path.endsWith('/')).map((path) => path.split('/').at(-2)));
  const topFolders = new Set(paths.map((path) => path.split('/')[0]));
  const isThere = (path: string) =>
    all.has(path) || all.has(`${path}/`) || paths.some((known) => known.endsWith(`/${path}`));
  /** Whether it can be meant as a path of ours: it ends as a file does, or begins with a folder of ours. */
  const isOurs = (path: string) => {
    const [first = ''] = path.split('/');
    if (OF_DOCUMENTS.has(path)) return false;
    if (path.endsWith('/')) return folders.has(first);
    return new RegExp(String.raw`\.${FILE}$`).test(path) || topFolders.has(first);
  };
  const hasHeading = (path: string, anchor: string) => anchorsOf(texts.get(path) ?? '').has(anchor);

  return [...texts].flatMap(([file, text]) => {
    const links = file.endsWith('.md') ? linksOf(file, text) : [...text.matchAll(DOCS_PAGE)].map(toReference);
    const broken = links.filter(
      ({ path, anchor }) => !(all.has(path) || all.has(`${path}/`)) || (anchor && !hasHeading(path, anchor)),
    );
    const names = namesIn(file.endsWith('.md') ? withoutLinks(text) : commentsOf(file, text));
    const missing = names.filter((name) => isOurs(name) && !isThere(name));
    return [
      ...broken.map(({ path, anchor }) => `${file}: ${path}${anchor === undefined ? '' : `#${anchor}`}`),
      ...missing.map((name) => `${file}: ${name}`),
    ];
  });
}

function linksOf(file: string, text: string): Reference[] {
  const targets = [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { path: path === '' ? file : normalize(join(dirname(file), path)).replace(/\/$/, ''), anchor };
    });
}

function toReference([, path = '', anchor]: RegExpMatchArray): Reference {
  return { path, anchor: anchor?.slice(1) };
}

function namesIn(text: string): string[] {
  const plain = text.replaceAll(URL, '');
  return [...plain.matchAll(IN_BACKTICKS), ...plain.matchAll(PATH)].map(([, name = '']) => name);
}

const withoutFences = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, '');
const withoutLinks = (text: string) => text.replaceAll(/\]\([^)]*\)/g, ']');

function commentsOf(file: string, text: string): string {
  if (/\.(ts|js|css)$/.test(file))
    return [...text.matchAll(/\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/.*$/gm)].map(([comment]) => comment).join('\n');
  const mark = file.endsWith('.sql') ? /--.*$/gm : /(?<=^|\s)#.*$/gm;
  return [...text.matchAll(mark)].map(([comment]) => comment).join('\n');
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...withoutFences(markdown).matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, heading = '']) => {
      const anchor = heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}
