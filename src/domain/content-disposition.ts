/** RFC 6266: an ASCII name for old clients, and the real name. */
export function contentDisposition(disposition: string, name: string): string {
  const filename = name.replaceAll(/\p{Bidi_Control}/gu, ''); // older versions accepted them
  const ascii = filename.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${disposition}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
