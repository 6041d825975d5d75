import mime from 'mime/lite';

/** The media type that the name of a file stands for; undefined if it is unknown. */
export function mediaTypeOf(name: string): string | undefined {
  return mime.getType(name) ?? undefined;
}
