import { describe, expect, it } from 'vitest';
import { askedFonts, missingFamilies } from '../../src/render/fonts/asked-families.ts';
import { fontsConf } from '../../src/render/fonts/fonts-conf.ts';
import { twinsAmong, untwinned } from '../../src/render/fonts/twins.ts';

const HERE = new Set(['dejavu sans', 'arial', 'b, c', 'say "x"']);
const missing = (lists: string[], own: [string, boolean][] = []) => missingFamilies({ lists, own }, HERE);

describe('missing families', () => {
  it.each([
    ['one that is not here', ['"Brand Sans", Arial, sans-serif'], ['Brand Sans']],
    ['a plain word', ['Inter, Arial'], ['Inter']],
    ['only the first of a list', ['Arial, Inter'], []],
    ['in any case', ['ARIAL', '"DejaVu sans"'], []],
    ['each once', ['Inter, Arial', 'inter', '"INTER", serif'], ['INTER']],
    ['none that stands for any', ['sans-serif', 'system-ui, Inter', '-apple-system, Inter', 'BlinkMacSystemFont'], []],
    ['one that is called like those', ['"serif", Arial'], ['serif']],
    ['with a comma or quotes in its name', ['"B, C", x', String.raw`"Say \"X\"", x`], []],
    ['what is no name', ['', '"'], ['"']],
  ])('are told: %s', (_, lists, expected) => {
    expect(missing(lists)).toEqual(expected);
  });

  it('are not those that the document brought, unless they did not load', () => {
    const lists = ['Inter', '"Brand Sans"'];
    expect(missing(lists, [['Inter', false], ['"Brand Sans"', false]])).toEqual([]); // prettier-ignore
    expect(missing(lists, [['Inter', true], ["'Brand Sans'", false]])).toEqual(['Inter']); // prettier-ignore
    expect(missing(['Arial'], [['Arial', true]])).toEqual(['Arial']); // its own of this name hides the one here
  });

  it('come from an answer of the page that may be anything', () => {
    const none = { lists: [], own: [] };
    for (const answer of [
      undefined,
      null,
      1,
      'x',
      [],
      { lists: 'x', own: {} },
      { lists: [1, null], own: [[], [1], 2] },
    ])
      expect(askedFonts(answer)).toEqual(none);
    expect(askedFonts({ lists: ['a\0b\ud800', 'x'.repeat(10_000)], own: [['a\0', 'yes']] })).toEqual({
      lists: ['a b\ufffd', 'x'.repeat(500)],
      own: [['a ', false]],
    });
    expect(askedFonts({ lists: Array(100_000).fill('Inter') }).lists.length).toBeLessThan(1_000);
  });
});

describe('twins', () => {
  it('are those of families that are not here, the best first', () => {
    expect(twinsAmong(new Set(['carlito', 'liberation sans', 'arimo', 'cambria', 'caladea']))).toEqual([
      { family: 'Arial', twin: 'Arimo' },
      { family: 'Helvetica', twin: 'Arimo' },
      { family: 'Calibri', twin: 'Carlito' },
    ]);
  });

  it('that are missing name a package', () => {
    expect(untwinned(new Set(['arial', 'times new roman', 'courier new', 'cambria', 'georgia']))).toEqual([
      { family: 'Calibri', npm: '@expo-google-fonts/carlito' },
    ]);
  });
});

describe('the configuration of fontconfig', () => {
  it('is XML whatever the paths and names are', () => {
    const conf = fontsConf({
      directory: '/a & b/<c>',
      cache: '/"d"',
      base: '/etc/fonts/fonts.conf',
      hasGeneric: true,
      twins: [{ family: 'A&B', twin: '</string>' }],
    });
    expect(conf).toContain('<dir>/a &amp; b/&lt;c&gt;</dir>');
    expect(conf).toContain('<cachedir>/&quot;d&quot;</cachedir>');
    expect(conf).toContain('<include ignore_missing="yes">/etc/fonts/fonts.conf</include>');
    expect(conf).toContain('<string>A&amp;B</string>');
    expect(conf).not.toContain('</string></string>');
    expect(conf).not.toContain('sans-serif');
  });

  it('says what sans-serif is where nobody else does', () => {
    const conf = fontsConf({ directory: '/d', cache: '/c', base: '/package/fonts.conf', hasGeneric: false, twins: [] });
    expect(conf).toContain('<alias><family>sans-serif</family><prefer><family>Noto Sans</family>');
  });

  it('has the usual directories where there is none of the system', () => {
    expect(fontsConf({ directory: '/d', cache: '/c', base: undefined, hasGeneric: false, twins: [] })).toContain(
      '<dir>/usr/share/fonts</dir>',
    );
  });
});
