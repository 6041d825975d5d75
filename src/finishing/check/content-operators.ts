import { isSpace, latin1, PdfKeyword, PdfLexer } from './pdf-lexer.ts';
import { PdfDictionary, PdfName, type PdfValue, type Resolve } from './pdf-value.ts';

/** The operators of the standard. */
export const OPERATORS: ReadonlySet<string> = new Set(
  'b B b* B* BDC BI BMC BT BX c cm CS cs d d0 d1 Do DP EI EMC ET EX f F f* G g gs h i ID j J K k l m M MP n q Q re RG rg ri s S SC sc SCN scn sh T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W* y \' "'.split(
    ' ',
  ),
);

/** Operands that are kept of one operator. */
const MAX_OPERANDS = 64;

/** An operator of a content stream with what stands before it. Of `BI` the dictionary of the image. */
export interface Operation {
  operator: string;
  operands: readonly PdfValue[];
}

/** Reads a content stream. The operands are good until the next operation is read. */
export function* operationsOf(content: Uint8Array, resolve: Resolve): Generator<Operation> {
  const lexer = new PdfLexer(content, { resolve });
  const operands: PdfValue[] = [];
  for (;;) {
    const value = lexer.next();
    if (value === undefined) return;
    if (!(value instanceof PdfKeyword)) {
      if (operands.length < MAX_OPERANDS) operands.push(value);
      continue;
    }
    if (value.text === 'BI') yield { operator: 'BI', operands: [readInlineImage(lexer, resolve)] };
    else yield { operator: value.text, operands };
    operands.length = 0;
  }
}

/** After `BI`; ends after `EI`. */
function readInlineImage(lexer: PdfLexer, resolve: Resolve): PdfDictionary {
  const entries = new Map<string, PdfValue>();
  let key: string | undefined;
  for (;;) {
    const value = lexer.next();
    if (value === undefined || value instanceof PdfKeyword) break; // ID
    if (key === undefined) key = value instanceof PdfName ? value.text : '';
    else {
      entries.set(LONG_KEYS[key] ?? key, value);
      key = undefined;
    }
  }
  const { bytes } = lexer;
  let end = lexer.position + 1;
  const isEnd = () => latin1(bytes, end, end + 2) === 'EI' && isSpace(bytes[end - 1]) && (end + 2 >= bytes.length || isSpace(bytes[end + 2])); // prettier-ignore
  while (end < bytes.length && !isEnd()) end++;
  lexer.position = end + 2;
  return new PdfDictionary(entries, resolve);
}

const LONG_KEYS: Record<string, string> = {
  BPC: 'BitsPerComponent',
  CS: 'ColorSpace',
  F: 'Filter',
  IM: 'ImageMask',
  I: 'Interpolate',
  W: 'Width',
  H: 'Height',
  D: 'Decode',
  DP: 'DecodeParms',
};
