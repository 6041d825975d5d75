import { parsePdfRequest, type PdfRequest } from '../domain/pdf-request.ts';
import { CodedError, invalidFields, messageOf } from '../kernel/errors.ts';
import { TEMPLATE_ENTRIES } from './template-content.ts';
import { SETTINGS_FILE, templateSettings } from './template-settings.ts';

/** The file of a template with data to try it with. */
const SAMPLE_FILE = 'data.json';

interface PreviewInput {
  name: string;
  /** print settings and `data` */
  body: Record<string, unknown>;
  /** hashes of assets by paths */
  files: Readonly<Record<string, string>>;
  /** the text of one of the files; undefined if there is none */
  textOf: (file: string) => Promise<string | undefined>;
}

/**
 * The request for a draft of a template: its settings and sample data are those of its files, unless the caller sends
 * others.
 * @throws CodedError that names what is wrong
 */
export async function previewRequest({ name, body, files, textOf }: PreviewInput): Promise<PdfRequest> {
  if (!TEMPLATE_ENTRIES.some((entry) => Object.hasOwn(files, entry)))
    throw invalidFields([{ field: 'files', message: `required: one of ${TEMPLATE_ENTRIES.join(', ')}` }]);
  const { request } = templateSettings(await textOf(SETTINGS_FILE));
  const { data = await sampleOf(textOf), options, ...settings } = body;
  const merged = { ...request, ...settings, options: { ...(request.options as object), ...(options as object) } };
  const parsed = parsePdfRequest({ ...merged, template: name, data, files });
  if (!parsed.ok) throw invalidFields(parsed.fields);
  return parsed.request;
}

async function sampleOf(textOf: PreviewInput['textOf']): Promise<unknown> {
  const text = await textOf(SAMPLE_FILE);
  if (text === undefined) return {};
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const message = `it is not JSON: ${messageOf(error).slice(0, 200)}`;
    throw new CodedError('invalid_request', `files["${SAMPLE_FILE}"]: ${message}`, {
      fields: [{ field: `files["${SAMPLE_FILE}"]`, message }],
      cause: error,
    });
  }
}
