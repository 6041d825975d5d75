import { overSettings } from '../domain/over-settings.ts';
import { parsePdfRequest, type PdfRequest } from '../domain/pdf-request.ts';
import { invalidFields } from '../kernel/errors.ts';
import { entryProblem } from './template-content.ts';
import { parseTemplateJson, SETTINGS_FILE, templateSettings } from './template-settings.ts';

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
  const problem = entryProblem(files);
  if (problem) throw invalidFields([problem]);
  const { request } = templateSettings(await textOf(SETTINGS_FILE));
  const { data = await sampleOf(textOf), ...settings } = body;
  const parsed = parsePdfRequest({ ...overSettings(request, settings), template: name, data, files });
  if (!parsed.ok) throw invalidFields(parsed.fields);
  if (parsed.request.runAt !== undefined)
    throw invalidFields([{ field: 'runAt', message: 'a preview is printed now; allowed with POST /v1/jobs' }]);
  return parsed.request;
}

async function sampleOf(textOf: PreviewInput['textOf']): Promise<unknown> {
  const text = await textOf(SAMPLE_FILE);
  return text === undefined ? {} : parseTemplateJson(SAMPLE_FILE, text);
}
