/** Characters of the bytes 0x80 to 0x9f; a space: none. */
const UPPER = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';
const FIRST_UPPER = 0x80;

/** Whether PDF's standard fonts have the character. */
export function isWinAnsi(character: string): boolean {
  return byteOf(character) !== undefined;
}

/** As bytes of the encoding that PDF calls WinAnsi (Windows-1252); other characters are left out. */
export function winAnsi(text: string): Uint8Array {
  return Uint8Array.from(Array.from(text).flatMap((character) => byteOf(character) ?? []));
}

function byteOf(character: string): number | undefined {
  const code = character.codePointAt(0) ?? 0;
  if ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff)) return code;
  const index = UPPER.indexOf(character);
  return index === -1 ? undefined : FIRST_UPPER + index;
}
