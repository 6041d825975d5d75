/** The accent of å, by its name: ○ */
const CIRCLE = String.fromCharCode(114, 105, 110, 103);
const ACCENTED = `acute circumflex dieresis grave ${CIRCLE} tilde`;
const letters = (letter: string, accents: string) => accents.split(' ').map((accent) => `${letter}${accent}`);
const latin = (upper: boolean) => {
  const of = (letter: string, accents: string) => letters(upper ? letter.toUpperCase() : letter, accents);
  const four = 'acute circumflex dieresis grave';
  return [...of('a', ACCENTED), ...of('c', 'cedilla'), ...of('e', four), ...of('i', four), ...of('n', 'tilde'), ...of('o', `${four} tilde`), ...of('s', 'caron'), ...of('u', four), ...of('y', 'acute dieresis'), ...of('z', 'caron')]; // prettier-ignore
};

/** Names of glyphs by their numbers in the standard strings of CFF; those after 228 are of expert fonts. */
export const STANDARD_NAMES: readonly string[] = [
  ...'.notdef space exclam quotedbl numbersign dollar percent ampersand quoteright parenleft parenright asterisk plus comma hyphen period slash zero one two three four five six seven eight nine colon semicolon less equal greater question at'.split(' '), // prettier-ignore
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split(''),
  ...'bracketleft backslash bracketright asciicircum underscore quoteleft'.split(' '),
  ...'abcdefghijklmnopqrstuvwxyz'.split(''),
  ...('braceleft bar braceright asciitilde exclamdown cent sterling fraction yen florin section currency quotesingle quotedblleft guillemotleft guilsinglleft guilsinglright fi fl endash dagger daggerdbl periodcentered paragraph bullet quotesinglbase quotedblbase quotedblright guillemotright ellipsis perthousand questiondown grave acute circumflex tilde macron breve dotaccent dieresis ' +
      CIRCLE +
      ' cedilla hungarumlaut ogonek caron emdash AE ordfeminine Lslash Oslash OE ordmasculine ae dotlessi lslash oslash oe germandbls onesuperior logicalnot mu trademark Eth onehalf plusminus Thorn onequarter divide brokenbar degree thorn threequarters twosuperior registered minus eth multiply threesuperior copyright').split(' '), // prettier-ignore
  ...latin(true),
  ...latin(false),
];

/** The characters of the names after `.notdef`. */
const CHARACTERS =
  ' !"#$%&’()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_‘abcdefghijklmnopqrstuvwxyz{|}~¡¢£⁄¥ƒ§¤\'“«‹›ﬁﬂ–†‡·¶•‚„”»…‰¿`´ˆ˜¯˘˙¨˚¸˝˛ˇ—ÆªŁØŒºæıłøœß¹¬µ™Ð½±Þ¼÷¦°þ¾²®−ð×³©ÁÂÄÀÅÃÇÉÊËÈÍÎÏÌÑÓÔÖÒÕŠÚÛÜÙÝŸŽáâäàåãçéêëèíîïìñóôöòõšúûüùýÿž';
const NAMES = new Map(Array.from(CHARACTERS, (character, index) => [character, STANDARD_NAMES[index + 1] ?? '']));
NAMES.set('€', 'Euro').set('\u00a0', 'space').set('\u00ad', 'hyphen');
const CODES = new Map([...NAMES].map(([character, name]) => [name, character]));

/** Ranges of the standard encoding: first code, last code, number of the first name. */
const STANDARD_RANGES = [[32, 126, 1], [161, 175, 96], [177, 180, 111], [182, 189, 115], [191, 191, 123], [193, 200, 124], [202, 203, 132], [205, 208, 134], [225, 225, 138], [227, 227, 139], [232, 235, 140], [241, 241, 144], [245, 245, 145], [248, 251, 146]] as const; // prettier-ignore

/** The character of a glyph's name, if it is a common one. */
export function characterOf(name: string): string | undefined {
  const hex = /^(?:uni|u)([0-9A-F]{4,6})$/.exec(name)?.[1];
  return CODES.get(name) ?? (hex === undefined ? undefined : String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(hex, 16)))); // prettier-ignore
}

/** The name of a code in one of the standard's encodings. */
export function nameIn(encoding: string, code: number): string | undefined {
  if (encoding === 'StandardEncoding') {
    const range = STANDARD_RANGES.find(([first, last]) => code >= first && code <= last);
    return range && STANDARD_NAMES[range[2] + code - range[0]];
  }
  const character = characterIn(encoding, code);
  return character === undefined ? undefined : NAMES.get(character);
}

/** The character of a code in WinAnsiEncoding or MacRomanEncoding. */
export function characterIn(encoding: string, code: number): string | undefined {
  if (code < 32) return undefined;
  const decoder = encoding === 'MacRomanEncoding' ? MAC : encoding === 'WinAnsiEncoding' ? WINDOWS : undefined;
  return decoder?.decode(Uint8Array.of(code));
}

const MAC = new TextDecoder('macintosh');
const WINDOWS = new TextDecoder('windows-1252');
