import { describe, expect, it } from 'vitest';
import { type ContentResources, markArtifacts } from '../../src/finishing/archive/artifacts.ts';
import { eachOperation } from '../../src/finishing/archive/content-operations.ts';

const resources: ContentResources = {
  hasMcid: (name) => name === 'Mc',
  isTagged: (name) => name === 'Tagged',
};
const mark = (content: string) => {
  const { bytes, isTagged } = markArtifacts(Buffer.from(content, 'latin1'), resources);
  return { content: bytes && Buffer.from(bytes).toString('latin1'), isTagged };
};

describe('operations', () => {
  const operators = (content: string) => {
    const found: string[] = [];
    eachOperation(Buffer.from(content, 'latin1'), ({ operator, start, end }) => found.push(`${operator}@${start}-${end}`)); // prettier-ignore
    return found;
  };
  it.each([
    ['q 1 0 0 1 0 0 cm Q', ['q@0-1', 'cm@2-16', 'Q@17-18']],
    ['(a (b) \\) Tj) Tj', ['Tj@0-16']],
    ['[(x) -20.5 <41> ] TJ', ['TJ@0-20']],
    ['/P <</MCID 0 /A [true null]>>BDC EMC', ['BDC@0-32', 'EMC@33-36']],
    ["(x)'f*", ["'f*@0-6"]],
    ['% q\rQ', ['Q@4-5']],
    ['BI /W 1 /H 1 ID \x00 EI\xff EI\nQ', ['BI@0-24', 'Q@25-26']],
    ['(never ends', []],
    ['<</A', []],
    [') >> ] q', ['q@0-8']],
  ])('of %j', (content, expected) => {
    expect(operators(content)).toEqual(expected);
  });
});

describe('artifacts', () => {
  const artifact = (content: string) => `/Artifact BMC\n${content}\nEMC\n`;
  it.each([
    ['a path, from its beginning', 'q 0 0 9 9 re W n Q', `q ${artifact('0 0 9 9 re W n Q')}`],
    ['what is before a tag', '0 0 m 1 1 l S /P <</MCID 0>> BDC (x) Tj EMC', `${artifact('0 0 m 1 1 l S ')}/P <</MCID 0>> BDC (x) Tj EMC`],
    ['text, within its bounds', 'BT /F 9 Tf (x) Tj ET', `BT /F 9 Tf ${artifact('(x) Tj ')}ET`],
    ['text beside tagged text', 'BT (a) Tj /P /Mc BDC (b) Tj EMC (c) Tj ET', `BT ${artifact('(a) Tj ')}/P /Mc BDC (b) Tj EMC ${artifact('(c) Tj ')}ET`],
    ['what is in a mark that says nothing', '/Span <</ActualText (x)>> BDC 0 0 1 1 re f EMC', `/Span <</ActualText (x)>> BDC ${artifact('0 0 1 1 re f ')}EMC`],
    ['forms, images and shadings', '/Im Do /Sh sh', artifact('/Im Do /Sh sh')],
    ['but not forms that have tags', '/Im Do /Tagged Do /Im Do', `${artifact('/Im Do ')}/Tagged Do ${artifact('/Im Do')}`],
  ])('are %s', (_, content, expected) => {
    expect(mark(content).content).toBe(expected);
  }); // prettier-ignore

  it('have spaces around them', () => {
    expect(mark('BT(a)Tj/P<</MCID 0>>BDC(b)Tj EMC(c)Tj ET').content).toBe(
      `BT${artifact('(a)Tj')}/P<</MCID 0>>BDC(b)Tj EMC${artifact('(c)Tj ')}ET`,
    );
  });

  it.each([
    '/Artifact BMC 0 0 1 1 re f EMC',
    '/Artifact <</Type /Pagination>> BDC 0 0 1 1 re f EMC',
    '/P <</MCID 0>> BDC /Span <</E (x)>> BDC 0 0 1 1 re f EMC 0 0 1 1 re f EMC',
    '/P /Mc BDC BT (x) Tj ET EMC',
    'q 1 0 0 rg Q EMC EMC',
    '',
  ])('are not made of %j', (content) => {
    expect(mark(content).content).toBeUndefined();
  });

  it('know whether there are tags', () => {
    expect(mark('/P <</MCID 0>> BDC EMC').isTagged).toBe(true);
    expect(mark('/Tagged Do').isTagged).toBe(true);
    expect(mark('/Artifact BMC EMC /P /Other BDC EMC').isTagged).toBe(false);
  });

  it('are the same the second time', () => {
    const once = mark('q 0 0 9 9 re f /P <</MCID 0>> BDC (x) Tj EMC 1 1 m 2 2 l S Q').content ?? '';
    expect(mark(once).content).toBeUndefined();
  });
});
