/** Characters of a name, at most. */
const MAX_NAME = 500;

/**
 * The name that a caller gives its result, without an ending: the last segment of the header.
 * @param header a character for each byte, as Node reads it; the bytes are UTF-8
 * @returns undefined if there is none
 */
export function outputNameOf(header: string | undefined): string | undefined {
  const text = Buffer.from(header ?? '', 'latin1').toString('utf8');
  const last = text.split(/[/\\]/).at(-1) ?? '';
  return (
    last
      .replaceAll(/\p{Cc}/gu, '')
      .slice(0, MAX_NAME)
      .trim() || undefined
  );
}

/** `Content-Disposition` as Gotenberg's clients read it: the name as it is, between quotes. A character for each byte. */
export function attachmentOf(name: string): string {
  const quoted = name.replaceAll(/[\\"]/g, (character) => `\\${character}`);
  return Buffer.from(`attachment; filename="${quoted}"`).toString('latin1');
}

const ENDINGS: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'application/json': '.json',
  'image/png': '.png',
  'image/jpeg': '.jpeg',
  'image/webp': '.webp',
};

/** How Gotenberg ends the names of files of a media type. */
export const endingOfType = (type: string): string => ENDINGS[type] ?? '';
