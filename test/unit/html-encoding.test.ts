import { describe, expect, it } from 'vitest';
import { decodeHtml, htmlEncoding } from '../../src/sources/html-encoding.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('an HTML file', () => {
  it.each([
    ['no declaration', Buffer.from('<p>Grüße'), 'utf-8', '<p>Grüße'],
    ['a mark of UTF-8', Buffer.from('\uFEFF<p>Grüße'), 'utf-8', '<p>Grüße'],
    ['a mark of UTF-16, little end first', Buffer.from('\uFEFF<p>Grüße', 'utf16le'), 'utf-16le', '<p>Grüße'],
    ['a mark of UTF-16, big end first', Buffer.from('\uFEFF<p>Grüße', 'utf16le').swap16(), 'utf-16be', '<p>Grüße'],
    ['a mark against a declaration', Buffer.from('\uFEFF<meta charset=latin1>ü'), 'utf-8', '<meta charset=latin1>ü'],
    [
      'windows-1252',
      bytes('<meta charset="windows-1252">\x80 Gr\xfc\xdfe'),
      'windows-1252',
      '<meta charset="windows-1252">€ Grüße',
    ],
    ['its other name', bytes("<META CHARSET = 'ISO-8859-1' >\x80"), 'windows-1252', "<META CHARSET = 'ISO-8859-1' >€"],
    ['without quotes', bytes('<meta charset=latin1/>\xfc'), 'windows-1252', '<meta charset=latin1/>ü'],
    ['shift_jis', bytes('<meta charset=shift_jis>\x93\xfa\x96{'), 'shift_jis', '<meta charset=shift_jis>日本'],
    [
      'http-equiv',
      bytes('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">\xf0'),
      'koi8-r',
      '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">П',
    ],
    [
      'http-equiv after content',
      bytes('<meta content="text/html;charset=gbk" http-equiv=content-type>\xc4\xe3'),
      'gbk',
      '<meta content="text/html;charset=gbk" http-equiv=content-type>你',
    ],
    [
      'a comment before it',
      bytes('<!-- <meta charset=gbk> --><meta charset=latin1>\xfc'),
      'windows-1252',
      '<!-- <meta charset=gbk> --><meta charset=latin1>ü',
    ],
    [
      'content that is no type',
      Buffer.from('<meta name="x" content="charset=gbk">ü'),
      'utf-8',
      '<meta name="x" content="charset=gbk">ü',
    ],
    ['UTF-16 in ASCII', Buffer.from('<meta charset="utf-16">ü'), 'utf-8', '<meta charset="utf-16">ü'],
    ['x-user-defined', bytes('<meta charset=x-user-defined>\xfc'), 'windows-1252', '<meta charset=x-user-defined>ü'],
    [
      'a declaration that comes too late',
      Buffer.from(`${' '.repeat(1024)}<meta charset=latin1>ü`),
      'utf-8',
      `${' '.repeat(1024)}<meta charset=latin1>ü`,
    ],
  ])('with %s', (_, file, encoding, text) => {
    expect(htmlEncoding(file)).toBe(encoding);
    expect(decodeHtml(file)).toBe(text);
  });

  it.each([
    [
      bytes('<p>Gr\xfc\xdfe'),
      /^it is not valid utf-8, and declares no other encoding, such as <meta charset="windows-1252">$/,
    ],
    [bytes('<meta charset=utf-8>Gr\xfc\xdfe'), /^it is not valid utf-8$/],
    [bytes('<meta charset=shift_jis>\xff\xff'), /^it is not valid shift_jis$/],
    [bytes('<meta charset=martian>x'), /^it declares the encoding martian, which does not exist on the web$/],
  ])('is refused rather than printed wrong: %j', (file, message) => {
    expect(() => htmlEncoding(file)).toThrow(message);
    expect(() => decodeHtml(file)).toThrow(message);
  });
});
