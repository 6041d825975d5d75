import mime from 'mime/lite';

/** Of files of which nothing is known. */
export const UNKNOWN_TYPE = 'application/octet-stream';

/** The media type that the name of a file stands for; undefined if it is unknown. */
export function mediaTypeOf(name: string): string | undefined {
  return mime.getType(name) ?? undefined;
}

/** Media type of a PDF. */
export const PDF_TYPE = 'application/pdf';

/** Media types of what a job makes. */
export const FILE_TYPES = [PDF_TYPE, 'image/png', 'image/jpeg', 'image/webp'] as const;
export type FileType = (typeof FILE_TYPES)[number];
