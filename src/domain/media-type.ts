import mime from 'mime/lite';

/** Of files of which nothing is known. */
export const UNKNOWN_TYPE = 'application/octet-stream';

/** The media type that the name of a file stands for; undefined if it is unknown. */
export function mediaTypeOf(name: string): string | undefined {
  return mime.getType(name) ?? undefined;
}

/** Media type of a PDF. */
export const PDF_TYPE = 'application/pdf';

/** Media type of the HTML of a page. */
export const HTML_TYPE = 'text/html';

/** Media types of what a job makes. */
export const FILE_TYPES = [PDF_TYPE, 'image/png', 'image/jpeg', 'image/webp', HTML_TYPE, 'application/json'] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** The header `Content-Type` of a file. */
export function contentTypeOf(type: FileType): string {
  return type === HTML_TYPE ? `${type}; charset=utf-8` : type;
}
