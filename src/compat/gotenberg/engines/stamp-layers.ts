import type { SentFile, SentForm } from '../../conversion.ts';
import type { Fields } from '../fields.ts';
import { numberedText } from './numbered-text.ts';
import { pageSelectionOf } from './page-selection-of.ts';
import { endingIn, filesIn } from './sent-files.ts';
import { readStampOptions, type StampOptions } from './stamp-options.ts';

const SOURCES = ['text', 'image', 'pdf'] as const;

/** What is put over or under pages. */
export interface StampLayers {
  /** for `finishing.overlay` or `finishing.underlay`; empty: none */
  layers: Record<string, unknown>[];
  /** by their paths in the request */
  files: Record<string, SentFile>;
}

/**
 * The watermarks or stamps of a form: lists of one length in `…Source`, `…Expression`, `…Pages` and `…Options`; images
 * and PDFs take the files of the field in their order.
 */
export function stampLayers(kind: 'watermark' | 'stamp', form: SentForm, fields: Fields): StampLayers {
  const sent = filesIn(form, kind, `${kind}s`);
  const files: Record<string, SentFile> = {};
  let taken = 0;
  const layers = fields.list(`${kind}Source`).flatMap((source, index) => {
    if (source === '' || fields.isFull) return [];
    if (!isSource(source)) {
      fields.refuse(`${kind}Source`, `allowed: ${SOURCES.join(', ')}`);
      return [];
    }
    const at = (name: string) => fields.list(`${kind}${name}`)[index] ?? '';
    const pages = pageSelectionOf(at('Pages'), `${kind}Pages`, fields);
    const options = readStampOptions(at('Options'), (message) => fields.refuse(`${kind}Options`, message));
    const common = pages === undefined ? {} : { pages };
    if (source === 'text') {
      const text = linesOf(at('Expression'));
      if (text === '') fields.refuse(`${kind}Expression`, 'required: the text');
      return [{ ...common, ...textLayer(text, options) }];
    }
    const file = sent[taken];
    taken += 1;
    if (!file) {
      fields.refuse(kind, `required: a file in the field ${kind} for each ${kind}Source that is image or pdf`);
      return [];
    }
    const path = `${kind}-${taken}${endingIn(file.name)}`;
    files[path] = file;
    return [{ ...common, [source]: path, ...(source === 'pdf' && { page: 'same' }), ...placed(options) }];
  });
  return { layers, files };
}

const isSource = (text: string): text is (typeof SOURCES)[number] => SOURCES.some((source) => source === text);

/** pdfcpu breaks lines where `\n` is written, and leaves empty ones out. */
const linesOf = (text: string) => text.replaceAll('\\n', '\n').split(/[\r\n]/).filter((line) => line !== '').join('\n'); // prettier-ignore

/** What every layer has that has a place. Nothing is between it and the edge of the page. */
function placed({ opacity, position, offset, rotate, fit, scale }: StampOptions) {
  const size = scale === undefined ? { fit } : { scale };
  return { opacity, position, margin: 0, ...(offset && { offset }), rotate, ...size };
}

function textLayer(text: string, options: StampOptions): Record<string, unknown> {
  const numbered = numberedText(text, options);
  if (numbered !== undefined) return { html: numbered };
  const { fontFamily, bold, italic, fontSize, color, background, padding, align } = options;
  return {
    text: text.replaceAll('%%', '%'),
    ...placed(options),
    fontFamily,
    fontSize,
    color,
    ...(bold && { bold }),
    ...(italic && { italic }),
    ...(background !== undefined && { background }),
    ...(padding !== undefined && { padding }),
    ...(align !== undefined && { align }),
  };
}
