import { access, readFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { messageOf, UsageError } from '../kernel/errors.ts';
import { decodeHtml } from '../sources/html-encoding.ts';
import { FlagRequest } from './flag-request.ts';
import { filesOfLayer } from './layer-files.ts';

/** A flag of `render` that is a field of the request. */
interface FinishingFlag {
  flags: string;
  description: string;
  /** whether it may be there several times */
  isList?: true;
  /** Writes a value of the flag into the request. @throws UsageError */
  write: (to: FlagRequest, value: string) => void | Promise<void>;
}

const property = (name: string) => (to: FlagRequest, value: string) => to.set(`finishing.properties.${name}`, value);
const layer = (list: 'overlay' | 'underlay') => async (to: FlagRequest, path: string) =>
  to.add(`finishing.${list}`, await layerOf(to, path));

/** In the order of the help. */
const FLAGS: FinishingFlag[] = [
  {
    flags: '--pages <selection>',
    description: 'pages that are kept, in this order: 1-3,8',
    write: (to, value) => to.set('finishing.pages', value),
  },
  {
    flags: '--rotate <degrees>',
    description: 'turn all pages clockwise: 90, 180, 270',
    write: (to, value) => to.set('finishing.rotate', Number(value)),
  },
  {
    flags: '--overlay <file>',
    description: 'put HTML, a PDF or a picture over each page; may be repeated',
    isList: true,
    write: layer('overlay'),
  },
  { flags: '--underlay <file>', description: 'the same under each page', isList: true, write: layer('underlay') },
  {
    flags: '--watermark <text>',
    description: 'a pale line of text across each page',
    write: (to, text) =>
      to.add('finishing.overlay', { text, fontSize: 72, rotate: -45, color: '#808080', opacity: 0.25 }),
  },
  {
    flags: '--flatten',
    description: 'form fields and annotations become part of the page',
    write: (to) => to.set('finishing.flatten', true),
  },
  { flags: '--title <text>', description: "the PDF's own title, as viewers show it", write: property('title') },
  { flags: '--author <text>', description: 'its author', write: property('author') },
  { flags: '--subject <text>', description: 'its subject', write: property('subject') },
  {
    flags: '--keywords <words>',
    description: 'its keywords, with commas between',
    write: (to, value) => to.set('finishing.properties.keywords', value.split(',').map((word) => word.trim())), // prettier-ignore
  },
  {
    flags: '--attach <file>',
    description: 'a file that goes with the PDF; may be repeated',
    isList: true,
    write: async (to, path) => to.add('finishing.attachments', { file: await fileOf(to, path) }),
  },
  {
    flags: '--facturx <file>',
    description: "an invoice's XML: makes a Factur-X (ZUGFeRD) invoice",
    write: async (to, path) => to.set('finishing.facturx.file', await fileOf(to, path)),
  },
  {
    flags: '--facturx-level <level>',
    description: 'MINIMUM, BASIC WL, BASIC, EN 16931 (default), EXTENDED, XRECHNUNG',
    write: (to, value) => to.set('finishing.facturx.level', value),
  },
  {
    flags: '--pdfa [part]',
    description: 'make it PDF/A, and check it: 1b, 2b (default), 3b',
    write: (to, value) => {
      if (!['', '1b', '2b', '3b'].includes(value)) throw new UsageError(`--pdfa: ${value}: allowed: 1b, 2b, 3b`);
      to.add('finishing.conformance', `PDF/A-${value || '2b'}`);
    },
  },
  {
    flags: '--pdfua',
    description: 'make it PDF/UA-1, and check it',
    write: (to) => to.add('finishing.conformance', 'PDF/UA-1'),
  },
  {
    flags: '--linearize',
    description: 'viewers show the first page before the rest has come',
    write: (to) => to.set('finishing.linearize', true),
  },
  {
    flags: '--encrypt',
    description: 'a password opens it: that of --password-file, or of the variable PDF_PASSWORD',
    write: async (to) => to.set('finishing.encrypt.userPassword', await to.password()),
  },
  { flags: '--sign', description: "sign it with the operator's certificate", write: (to) => to.set('finishing.sign', true) }, // prettier-ignore
  {
    flags: '--split <pages>',
    description: 'several PDFs, of so many pages each',
    write: (to, value) => to.set('split', { every: Number(value) }),
  },
];

/** Adds a flag for each, and what they need. */
export function addFinishingFlags(command: Command): Command {
  for (const { flags, description, isList } of FLAGS) {
    const option = new Option(flags, description).helpGroup('What is done with the PDF, in this order:');
    if (isList) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    command.addOption(option);
  }
  return command.addOption(
    new Option('--password-file <file>', 'with the password for --encrypt, on its first line').helpGroup(
      'What is done with the PDF, in this order:',
    ),
  );
}

/**
 * A request with the fields of the flags over its own.
 * @param options as commander has them
 * @throws UsageError that names the flag
 */
export async function withFinishingFlags(
  request: Record<string, unknown>,
  options: Record<string, unknown>,
): Promise<FlagRequest> {
  const passwordFile = options['passwordFile'] as string | undefined;
  if (passwordFile !== undefined && !options['encrypt'])
    throw new UsageError('--password-file: allowed with --encrypt');
  const to = new FlagRequest(request, () => readPassword(passwordFile));
  for (const { flags, write } of FLAGS) {
    const option = new Option(flags);
    const given = options[option.attributeName()];
    if (given === undefined || given === false) continue;
    to.flag = option.long ?? flags;
    for (const value of [given].flat()) await write(to, typeof value === 'string' ? value : '');
  }
  if (options['facturx'] !== undefined && options['facturxLevel'] === undefined) {
    to.flag = '--facturx-level';
    to.set('finishing.facturx.level', 'EN 16931');
  }
  return to;
}

async function fileOf(to: FlagRequest, path: string): Promise<string> {
  await access(path).catch((error: unknown) => {
    throw new UsageError(`${to.flag}: ${messageOf(error)}`, { cause: error });
  });
  return to.file(path);
}

const PICTURES = new Set(['.png', '.jpg', '.jpeg', '.webp', '.svg']);

async function layerOf(to: FlagRequest, path: string): Promise<Record<string, unknown>> {
  const extension = extname(path).toLowerCase();
  if (extension === '.pdf') return { pdf: await fileOf(to, path) };
  if (PICTURES.has(extension)) return { image: await fileOf(to, path) };
  if (extension !== '.html' && extension !== '.htm')
    throw new UsageError(`${to.flag}: ${basename(path)}: allowed: .html, .pdf, ${[...PICTURES].join(', ')}`);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError(`${to.flag}: ${messageOf(error)}`, { cause: error });
  });
  const html = decodeHtml(bytes);
  for (const [name, found] of await filesOfLayer(html, dirname(path))) to.fileAt(name, found);
  return { html };
}

/** Passwords are no arguments, which other users of the machine can see. */
async function readPassword(path: string | undefined): Promise<string> {
  if (path === undefined) {
    const { PDF_PASSWORD: password } = process.env;
    if (password !== undefined && password !== '') return password;
    throw new UsageError('--encrypt: required: --password-file FILE, or the variable PDF_PASSWORD');
  }
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`--password-file: ${messageOf(error)}`, { cause: error });
  });
  const [password = ''] = text.split(/\r?\n/);
  if (password === '') throw new UsageError(`--password-file: ${path}: its first line is empty`);
  return password;
}
