import { describe, expect, it } from 'vitest';
import { SafeNames } from '../../src/cli/safe-names.ts';

describe('names of files that a service has named', () => {
  it.each([
    ['invoice 17', 'invoice 17'],
    ['Müller & Söhne', 'Müller & Söhne'],
    ['../../etc/passwd', '_._.._etc_passwd'],
    ['/etc/passwd', '_etc_passwd'],
    ['C:\\x', 'C__x'],
    ['.ssh', '_ssh'],
    ['..', '__'],
    ['.', '_'],
    ['', '_'],
    ['a\u0000b\n\u001b[2Jc', 'a b [2Jc'],
    ['evil\u202efdp.exe', 'evil fdp.exe'],
    ['con', '_con'],
    ['LPT1.x', '_LPT1.x'],
    ['console', 'console'],
    ['ends. ', 'ends_'],
    ['e\u0301', '\u00e9'],
  ])('%j is %j', (given, name) => {
    expect(new SafeNames().nameOf(given, 1)).toBe(name);
  });

  it('are each different, also where case does not count, and the same in the same order', () => {
    const given = ['a', 'A', 'a', 'a-3', 'a', 'b'];
    const names = () => {
      const safe = new SafeNames();
      return given.map((name, index) => safe.nameOf(name, index + 1));
    };
    expect(names()).toEqual(['a', 'A-2', 'a-3', 'a-3-4', 'a-5', 'b']);
    expect(names()).toEqual(names());
  });

  it('are short enough, and are no broken characters', () => {
    for (const each of ['x', 'ä', '語', '👩']) {
      const name = new SafeNames().nameOf(each.repeat(500), 99_999);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180);
      expect(name.isWellFormed()).toBe(true);
    }
  });
});
