/** Scripts whose text comes out as boxes where no font has them. */
export type Script = 'Latin' | 'Chinese' | 'Japanese' | 'Korean' | 'Arabic' | 'emoji';

interface ScriptSample {
  name: Script;
  /** code points of characters that every font of the script has, and hardly any other */
  sample: number[];
  /** packages that bring such a font: of npm, of Debian */
  npm: string;
  debian: string;
}

const codes = (text: string) => Array.from(text, (character) => character.codePointAt(0) as number);

export const SCRIPTS: readonly ScriptSample[] = [
  { name: 'Latin', sample: codes('Aaéß€'), npm: 'noto-sans', debian: 'fonts-dejavu-core' },
  { name: 'Chinese', sample: codes('中国这贰'), npm: 'noto-sans-sc', debian: 'fonts-noto-cjk' },
  { name: 'Japanese', sample: codes('日本あア働'), npm: 'noto-sans-jp', debian: 'fonts-noto-cjk' },
  { name: 'Korean', sample: codes('한국어가'), npm: 'noto-sans-kr', debian: 'fonts-noto-cjk' },
  { name: 'Arabic', sample: codes('العربية'), npm: 'noto-naskh-arabic', debian: 'fonts-noto-core' },
  { name: 'emoji', sample: codes('😀🎉🧾🇩'), npm: 'noto-color-emoji', debian: 'fonts-noto-color-emoji' },
].map((script) => ({ ...script, name: script.name as Script, npm: `@expo-google-fonts/${script.npm}` }));
