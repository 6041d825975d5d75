import { createHash } from 'node:crypto';
import type { DescribedAttachment } from '../../domain/pdf-description.ts';
import { PdfDict, PdfStream } from '../libpdf.ts';
import type { Source } from '../merge/source.ts';
import { nameTreeEntries } from '../merge/trees.ts';

/** The files in a PDF, as its catalog lists them. */
export function attachmentsOf(source: Source): DescribedAttachment[] {
  const tree = source.dict(source.dict(source.catalog, 'Names'), 'EmbeddedFiles');
  return nameTreeEntries(source, tree).flatMap(([key, value]) => {
    const file = source.look(value);
    const content = file instanceof PdfDict ? contentOf(source, file) : undefined;
    if (!(file instanceof PdfDict) || !content) return [];
    const bytes = content.getDecodedData();
    const name = source.string(file, 'UF') ?? source.string(file, 'F') ?? key;
    return {
      name: name.asString(),
      mediaType: source.name(content, 'Subtype') ?? null,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      description: source.string(file, 'Desc')?.asString() ?? null,
      relationship: source.name(file, 'AFRelationship') ?? null,
    };
  });
}

function contentOf(source: Source, file: PdfDict): PdfStream | undefined {
  const embedded = source.dict(file, 'EF');
  const found = embedded && (source.get(embedded, 'UF') ?? source.get(embedded, 'F'));
  return found instanceof PdfStream ? found : undefined;
}
